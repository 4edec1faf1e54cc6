package io.mapfs.fuse.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.DirectorySink;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileSystemStatistics;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Opened;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Mutated requests of every opcode, over a filesystem that answers and fails at random. */
class FuzzTest {
  private static final int ROUNDS = 60_000;
  private static final List<Errno> ERRORS = List.of(Errno.values());
  private static final List<FileType> TYPES = List.of(FileType.values());

  /** Those that have no reply. */
  private static final Set<Opcode> SILENT = Set.of(Opcode.FORGET, Opcode.BATCH_FORGET);

  /** Valid or not; an interrupt is refused where its request is not known. */
  private static final Map<Opcode, Errno> REFUSED =
      Map.of(
          Opcode.OPENDIR, Errno.ENOSYS,
          Opcode.FLUSH, Errno.ENOSYS,
          Opcode.IOCTL, Errno.ENOTTY,
          Opcode.INTERRUPT, Errno.EAGAIN);

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void answersWhateverComes(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Dialogue dialogue = Dialogue.ready(erratic(random), 45, Dialogue.ALL_FLAGS, seed == 4);
    List<byte[]> corpus = corpus(dialogue);
    for (int round = 0; round < ROUNDS; round++) {
      byte[] request = mutate(corpus.get(random.nextInt(corpus.size())), random);
      String which = "seed " + seed + " round " + round + " " + Arrays.toString(head(request));
      boolean replies = dialogue.serve(request);
      if (request.length < InHeader.BYTES) {
        assertFalse(replies, which);
        continue;
      }
      ByteBuffer header = ByteBuffer.wrap(request).order(ByteOrder.nativeOrder());
      int opcode = header.getInt(InHeader.OPCODE);
      if (opcode != Opcode.INTERRUPT.number()) {
        boolean silent = opcode == Opcode.FORGET.number() || opcode == Opcode.BATCH_FORGET.number();
        assertEquals(!silent, replies, which);
      }
      if (replies) {
        ByteBuffer reply = dialogue.exchange.reply();
        int error = reply.getInt(OutHeader.ERROR);
        assertEquals(reply.remaining(), reply.getInt(OutHeader.LENGTH), which);
        assertEquals(header.getLong(InHeader.UNIQUE), reply.getLong(OutHeader.UNIQUE), which);
        assertTrue(error <= 0 && error > -512, which);
        assertTrue(error == 0 || reply.remaining() == OutHeader.BYTES, which);
      }
    }
  }

  private static byte[] head(byte[] request) {
    return Arrays.copyOf(request, Math.min(request.length, 96));
  }

  /** What is mutated is valid: each opcode's handler takes it. */
  @ParameterizedTest
  @EnumSource(Opcode.class)
  void mutatesRequestsThatAreValid(Opcode opcode) {
    Dialogue dialogue = new Dialogue(steady(), false);
    if (opcode != Opcode.INIT) {
      dialogue.ok(dialogue.init(7, 45, Dialogue.ALL_FLAGS));
    }
    boolean replies = dialogue.serve(ValidRequests.of(dialogue).get(opcode).toBytes());
    assertEquals(!SILENT.contains(opcode), replies);
    if (replies) {
      int error = -dialogue.exchange.reply().getInt(OutHeader.ERROR);
      assertEquals(REFUSED.containsKey(opcode) ? REFUSED.get(opcode).number() : 0, error);
    }
  }

  @Test
  void saysOfEveryOtherOpcodeThatItIsNotThere() {
    Dialogue dialogue = Dialogue.ready(steady());
    for (int number = -2; number < 5_000; number++) {
      if (Opcode.of(number) == null) {
        dialogue.fails(Errno.ENOSYS, Request.ofNumber(number, 2, 1).data(new byte[64]));
      }
    }
  }

  /** A valid request of each opcode, one of opcodes that MapFS does not serve, a large one. */
  private static List<byte[]> corpus(Dialogue dialogue) {
    List<byte[]> corpus = new ArrayList<>();
    ValidRequests.of(dialogue).values().forEach(request -> corpus.add(request.toBytes()));
    for (int number : new int[] {31, 32, 33, 34, 37, 40, 41, 48, 49, 4096}) {
      corpus.add(Request.ofNumber(number, 2, 1).data(new byte[48]).toBytes());
    }
    corpus.add(
        dialogue
            .request(Opcode.WRITE, 1)
            .u64(1, 0)
            .u32(9000, 0)
            .u64(0, 0)
            .data(new byte[9000])
            .toBytes());
    return corpus;
  }

  private static byte[] mutate(byte[] valid, SplittableRandom random) {
    byte[] request;
    if (random.nextInt(4) == 0) {
      int longest = random.nextInt(8) == 0 ? Exchange.REQUEST_BYTES_MAX : valid.length + 64;
      request = Arrays.copyOf(valid, random.nextInt(longest + 1));
    } else {
      request = valid.clone();
    }
    for (int changes = random.nextInt(6); changes > 0 && request.length > 0; changes--) {
      int at = random.nextInt(Math.min(request.length, 128));
      request[at] = (byte) (random.nextBoolean() ? random.nextInt() : random.nextInt(-1, 2));
    }
    if (request.length >= InHeader.BYTES && random.nextInt(8) != 0) {
      // Mostly a true length, so that mutations get past the first check.
      ByteBuffer.wrap(request)
          .order(ByteOrder.nativeOrder())
          .putInt(InHeader.LENGTH, request.length);
    }
    return request;
  }

  /** A filesystem that fails and throws now and then. */
  private static FileSystemOperations erratic(SplittableRandom random) {
    return filesystem(
        (method, arguments) -> {
          switch (random.nextInt(40)) {
            case 0, 1, 2 ->
                throw new FsException(ERRORS.get(random.nextInt(ERRORS.size())), "erratic");
            case 3 -> throw new IllegalStateException("erratic");
            case 4 -> throw new AssertionError("erratic");
            default -> {
              return answer(random, method, arguments);
            }
          }
        });
  }

  /** One that never does. */
  private static FileSystemOperations steady() {
    SplittableRandom random = new SplittableRandom(1);
    return filesystem(
        (method, arguments) ->
            method.getReturnType() == byte[].class
                ? new byte[10]
                : answer(random, method, arguments));
  }

  private interface Answers {
    Object to(Method method, Object[] arguments) throws FsException;
  }

  private static FileSystemOperations filesystem(Answers answers) {
    return (FileSystemOperations)
        Proxy.newProxyInstance(
            FuzzTest.class.getClassLoader(),
            new Class<?>[] {FileSystemOperations.class},
            (proxy, method, arguments) -> answers.to(method, arguments));
  }

  private static Object answer(SplittableRandom random, Method method, Object[] arguments) {
    switch (method.getName()) {
      case "read", "write" -> {
        ByteBuffer buffer = (ByteBuffer) arguments[4];
        int count = random.nextInt(buffer.remaining() + 1);
        buffer.position(buffer.position() + count);
        return count;
      }
      case "readdir" -> {
        DirectorySink sink = (DirectorySink) arguments[5];
        for (int i = 0; i < 100; i++) {
          byte[] name = new byte[1 + random.nextInt(255)];
          Attributes a = random.nextBoolean() ? attributes(random) : null;
          if (!sink.accept(name, random.nextLong(), FileType.REGULAR, i + 1, a)) {
            return null;
          }
        }
        return null;
      }
      case "lookup" -> {
        return random.nextBoolean() ? attributes(random) : null;
      }
      case "readlink", "getxattr", "listxattr" -> {
        return new byte[random.nextInt(70000)];
      }
      case "statfs" -> {
        return new FileSystemStatistics(4096, 1, 2, 3, 4, 5);
      }
      default -> {
        Class<?> type = method.getReturnType();
        if (type == Attributes.class) {
          return attributes(random);
        }
        if (type == Opened.class) {
          return new Opened(attributes(random), random.nextLong());
        }
        return type == long.class ? (Object) random.nextLong() : null;
      }
    }
  }

  private static Attributes attributes(SplittableRandom random) {
    FileTime time = new FileTime(random.nextLong(), random.nextInt(1_000_000_000));
    return new Attributes(
        random.nextLong(),
        TYPES.get(random.nextInt(TYPES.size())),
        random.nextInt(),
        random.nextInt(),
        random.nextInt(),
        random.nextInt(),
        random.nextInt(),
        random.nextLong(),
        random.nextLong(),
        time,
        time,
        time,
        time);
  }
}
