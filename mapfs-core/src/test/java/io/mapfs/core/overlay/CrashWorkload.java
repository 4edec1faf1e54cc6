package io.mapfs.core.overlay;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.ManualClock;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.fs.OperationDriver;
import io.mapfs.core.fs.ReferenceFileSystem;
import io.mapfs.core.fs.Step;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TestTrees;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The process that {@link CrashTest} kills: an overlay on the local copy that it is given, under
 * generated operations for ever. How far it is stands in a shared map of a file, which outlives it.
 *
 * <pre>
 *  arguments: STATE SCRATCH PORT PROGRESS DURABILITY EPOCH SEED HISTORY
 *    PORT     of the appliance's stand-in: a record and its pages, lengths first; answers 1 or 0
 *    PROGRESS 8 bytes each: steps begun, steps that an acknowledged fsync covers, last new inode
 *    HISTORY  SEED:STEPS,… of the rounds before, which make the present state
 * </pre>
 */
final class CrashWorkload {
  static final int BEGUN = 0;
  static final int ACKNOWLEDGED = 8;
  static final int LAST_INO = 16;
  static final int PROGRESS_BYTES = 24;

  static final long JOURNAL_SEGMENT_BYTES = 16 << 10;
  static final int PAGE_SEGMENT_SLOTS = 32;

  private static final int STEPS = 200_000;

  private CrashWorkload() {}

  /** One round's operations, and how many of them survived it. */
  record Round(long seed, int steps) {
    @Override
    public String toString() {
      return seed + ":" + steps;
    }
  }

  static OverlayConfig config(Durability durability) {
    return OverlayConfig.defaults()
        .withDurability(durability)
        .withSealIntervalMillis(20)
        .withWaitLimitMillis(60_000)
        .withCachedInodesMax(8);
  }

  /** The steps of a round: all but what takes the mount down. */
  static List<Step> steps(long seed, int count) {
    List<Step> steps = new ArrayList<>(Step.sequence(seed, count));
    steps.removeIf(
        step ->
            switch (step.kind()) {
              case REMOUNT, CRASH, FETCH_HEAD -> true;
              default -> false;
            });
    return steps;
  }

  /** The clock before a step: the same in every process. */
  static void setClock(ManualClock clock, int round, int step) {
    clock.set(new FileTime(1_700_000_000L + 1_000_000L * round + step, step % 1_000));
  }

  /** Brings a driver to where the rounds before have led. */
  static void replay(OperationDriver driver, ManualClock clock, List<Round> history)
      throws FsException {
    for (int round = 0; round < history.size(); round++) {
      List<Step> steps = steps(history.get(round).seed(), STEPS);
      for (int at = 0; at < history.get(round).steps(); at++) {
        setClock(clock, round, at);
        driver.run(steps.get(at));
      }
      driver.reset();
    }
  }

  public static void main(String[] arguments) throws Exception {
    Path directory = Path.of(arguments[0]);
    Durability durability = Durability.valueOf(arguments[4]);
    List<Round> history = new ArrayList<>();
    for (String round : arguments[7].split(",")) {
      if (!round.isEmpty()) {
        String[] numbers = round.split(":");
        history.add(new Round(Long.parseLong(numbers[0]), Integer.parseInt(numbers[1])));
      }
    }
    TestTrees trees = GeneratedOperationsTest.trees();
    RepositoryTree base = trees.build(Path.of(arguments[1]));
    ManualClock clock = new ManualClock();
    try (Socket socket =
            new Socket(InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[2]));
        FileChannel channel =
            FileChannel.open(
                Path.of(arguments[3]), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      MappedByteBuffer progress = channel.map(FileChannel.MapMode.READ_WRITE, 0, PROGRESS_BYTES);
      OverlayState state =
          OverlayState.open(directory, new PosixFiles(), JOURNAL_SEGMENT_BYTES, PAGE_SEGMENT_SLOTS);
      state.beginMount(Long.parseLong(arguments[5]), 0, 0);
      OverlayFixture versions = new OverlayFixture(directory, base, trees.blockReader());
      OverlayFileSystem fs =
          OverlayFileSystem.mount(
              config(durability),
              state,
              versions.versions(),
              versions.reader,
              ReadListener.NONE,
              new SocketShipper(socket),
              clock);
      OperationDriver driver =
          new OperationDriver(ReferenceFileSystem.of(base, trees.blockReader(), clock), null);
      replay(driver, clock, history);
      driver.remounted(fs);
      run(driver, fs, clock, history.size(), Long.parseLong(arguments[6]), progress);
    }
  }

  private static void run(
      OperationDriver driver,
      OverlayFileSystem fs,
      ManualClock clock,
      int round,
      long seed,
      MappedByteBuffer progress)
      throws FsException {
    List<Step> steps = steps(seed, STEPS);
    for (int at = 0; at < steps.size(); at++) {
      progress.putLong(BEGUN, at + 1L);
      setClock(clock, round, at);
      driver.run(steps.get(at));
      if (steps.get(at).kind() == Step.Kind.SYNC) {
        progress.putLong(ACKNOWLEDGED, at + 1L);
      }
      if (at % 50 == 0) {
        // A number that no record will ever name: it dies in the batch that it was born in.
        Opened born = fs.tmpfile(TestContext.root(), NodeId.ROOT, 0600, 2);
        progress.putLong(LAST_INO, born.attributes().ino());
        fs.release(TestContext.root(), born.attributes().node(), born.handle());
        fs.forget(born.attributes().node(), 1);
      }
    }
  }

  /** Sends records over a socket, one after the other. */
  private static final class SocketShipper implements JournalShipper {
    private final DataOutputStream out;
    private final DataInputStream in;
    private final ExecutorService thread =
        Executors.newSingleThreadExecutor(
            work -> {
              Thread made = new Thread(work, "ship");
              made.setDaemon(true);
              return made;
            });

    SocketShipper(Socket socket) throws IOException {
      out = new DataOutputStream(socket.getOutputStream());
      in = new DataInputStream(socket.getInputStream());
    }

    @Override
    public CompletableFuture<Void> ship(JournalRecord record, List<ByteBuffer> pages) {
      CompletableFuture<Void> result = new CompletableFuture<>();
      thread.execute(
          () -> {
            try {
              send(record, pages);
              result.complete(null);
            } catch (IOException e) {
              result.completeExceptionally(e);
            }
          });
      return result;
    }

    private void send(JournalRecord record, List<ByteBuffer> pages) throws IOException {
      byte[] encoded = RecordCodec.encode(record);
      int bytes = pages.stream().mapToInt(ByteBuffer::remaining).sum();
      ByteBuffer message = ByteBuffer.allocate(8 + encoded.length + bytes);
      message.putInt(encoded.length).put(encoded).putInt(bytes);
      pages.forEach(page -> message.put(page.duplicate()));
      out.write(message.array());
      if (in.readByte() != 1) {
        throw new IOException("the appliance is out of reach");
      }
    }
  }
}
