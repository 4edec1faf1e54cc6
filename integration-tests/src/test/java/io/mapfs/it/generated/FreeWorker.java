package io.mapfs.it.generated;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.DirectoryReader;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import io.mapfs.it.LinuxCalls;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/**
 * One of several processes that do generated operations on the same names, each as fast as it can.
 *
 * <pre>
 *  arguments: ROOT PROCESS SEED STEPS
 *  says "ready", begins when a line comes, says "done" or what it met that cannot be
 *
 *  ROOT/files     files of {@link Slots}, directories and links, which come, go and move
 *  ROOT/stay      names that stay, and others that come and go: a listing has the former once
 *  ROOT/log       each process appends its lines "PROCESS NUMBER" here, in order
 *  ROOT/mapped    longs; each process stores into its own, the one whose place modulo the
 *                 number of processes is its own number: at last STEPS at the first of them
 * </pre>
 */
final class FreeWorker {
  static final int STAYING = 60;
  static final int MAPPED_BYTES = 256 << 10;
  static final int LINES_OF_STEPS = 8;

  private static final int SLOTS = 64;
  private static final int MOVE = 3;
  private static final int LINK = 4;
  private static final String[] NAMES = {"a", "b", "c", "d", "e", "f", "g", "h"};

  /** What a call on names that others move and remove may answer. */
  private static final Set<Errno> POSSIBLE =
      EnumSet.of(
          Errno.ENOENT, Errno.EEXIST, Errno.ENOTDIR, Errno.EISDIR, Errno.ENOTEMPTY, Errno.ENODATA);

  private final String root;
  private final int process;
  private final int steps;
  private final Random random;
  private int lines;

  private FreeWorker(String root, int process, long seed, int steps) {
    this.root = root;
    this.process = process;
    this.steps = steps;
    this.random = new Random(seed * Worker.COUNT + process);
  }

  public static void main(String[] arguments) throws Exception {
    FreeWorker worker =
        new FreeWorker(
            arguments[0],
            Integer.parseInt(arguments[1]),
            Long.parseLong(arguments[2]),
            Integer.parseInt(arguments[3]));
    System.out.println("ready");
    if (System.in.read() >= 0) {
      System.out.println(worker.work());
    }
  }

  private String work() throws FsException {
    try (MappedFile mapped = MappedFile.open(root + "/mapped", MAPPED_BYTES)) {
      for (int step = 1; step <= steps; step++) {
        int places = MAPPED_BYTES / Long.BYTES / Worker.COUNT;
        mapped.store(place(random.nextInt(places - 1) + 1), step);
        if (step % LINES_OF_STEPS == 0) {
          append();
        }
        String impossible = act(step);
        if (impossible != null) {
          return "step " + step + ": " + impossible;
        }
      }
      mapped.store(place(0), steps);
    }
    return "done";
  }

  private long place(long number) {
    return (number * Worker.COUNT + process) * Long.BYTES;
  }

  private void append() throws FsException {
    try (Descriptor log = Posix.open(root + "/log", OpenFlags.O_WRONLY | OpenFlags.O_APPEND, 0)) {
      String line = process + " " + lines++ + "\n";
      Posix.writeFully(log.number(), direct(line.getBytes(StandardCharsets.US_ASCII)));
    }
  }

  /** One operation: what it met that cannot be, or {@code null}. */
  private String act(int step) {
    int kind = random.nextInt(15);
    String path = path();
    try {
      switch (kind) {
        case 0, 1, 2 -> writeSlot(path, step);
        case MOVE -> rename(path, path());
        case LINK -> Posix.link(Posix.AT_FDCWD, bytes(path), Posix.AT_FDCWD, bytes(path()), 0);
        case 5 -> Posix.makeDirectory(Posix.AT_FDCWD, bytes(path), 0755);
        case 6 -> Posix.unlink(Posix.AT_FDCWD, bytes(path), 0);
        case 7 -> Posix.unlink(Posix.AT_FDCWD, bytes(path), Posix.AT_REMOVEDIR);
        case 8 -> LinuxCalls.truncate(path, random.nextInt(SLOTS) * (long) Slots.BYTES);
        case 9 -> punch(path);
        case 10 -> unnamed(path, step);
        case 11 -> Posix.setXattr(bytes(path), Name.of("user.p" + process), new byte[step % 99], 0);
        case 12 -> {
          return list();
        }
        case 13 -> passBy(step);
        default -> sync(path);
      }
    } catch (FsException e) {
      boolean possible =
          POSSIBLE.contains(e.errno())
              || (kind == MOVE && e.errno() == Errno.EINVAL) // a directory below itself
              || (kind == LINK && e.errno() == Errno.EPERM); // a directory
      return possible ? null : "kind " + kind + " on " + path + ": " + e.getMessage();
    }
    return null;
  }

  private String path() {
    StringBuilder path = new StringBuilder(root).append("/files");
    for (int depth = random.nextInt(3); depth >= 0; depth--) {
      path.append('/').append(NAMES[random.nextInt(NAMES.length)]);
    }
    return path.toString();
  }

  private void writeSlot(String path, int step) throws FsException {
    try (Descriptor file = Posix.open(path, OpenFlags.O_RDWR | OpenFlags.O_CREAT, 0644)) {
      writeSlots(file, step, 1 + random.nextInt(3));
    }
  }

  private void writeSlots(Descriptor file, int step, int count) throws FsException {
    for (int i = 0; i < count; i++) {
      long slot = random.nextInt(SLOTS / Worker.COUNT) * (long) Worker.COUNT + process;
      Posix.pwriteFully(file.number(), direct(Slots.content(slot, step)), slot * Slots.BYTES);
    }
  }

  private void rename(String from, String to) throws FsException {
    int[] flags = {0, 0, Posix.RENAME_NOREPLACE, Posix.RENAME_EXCHANGE};
    Posix.rename(Posix.AT_FDCWD, bytes(from), Posix.AT_FDCWD, bytes(to), flags[random.nextInt(4)]);
  }

  private void punch(String path) throws FsException {
    int[] modes = {3, 17};
    try (Descriptor file = Posix.open(path, OpenFlags.O_RDWR, 0)) {
      long at = random.nextInt(SLOTS) * (long) Slots.BYTES;
      long length = (1 + random.nextInt(20)) * (long) Slots.BYTES;
      Posix.allocate(file.number(), modes[random.nextInt(2)], at, length);
    }
  }

  private void unnamed(String path, int step) throws FsException {
    int flags = OpenFlags.O_TMPFILE | OpenFlags.O_RDWR;
    try (Descriptor file = Posix.open(root + "/files", flags, 0644)) {
      writeSlots(file, step, 5);
      Posix.link(
          Posix.AT_FDCWD,
          Posix.descriptorPath(file.number()),
          Posix.AT_FDCWD,
          bytes(path),
          Posix.AT_SYMLINK_FOLLOW);
    }
  }

  private String list() throws FsException {
    Set<String> seen = new TreeSet<>();
    int staying = 0;
    try (Descriptor directory = Posix.open(root + "/stay", OpenFlags.O_DIRECTORY, 0)) {
      DirectoryReader reader = new DirectoryReader(directory.number());
      while (reader.next()) {
        String name = reader.name().toString();
        if (!seen.add(name)) {
          return name + " is listed twice";
        }
        staying += name.startsWith("stay") ? 1 : 0;
      }
    }
    return staying == STAYING ? null : "a listing with " + staying + " of the names that stay";
  }

  /** Names that come and go where others list. */
  private void passBy(int step) throws FsException {
    byte[] name = bytes(root + "/stay/passing-" + process + "-" + random.nextInt(20));
    if (random.nextBoolean()) {
      Posix.makeSymlink(bytes("step" + step), Posix.AT_FDCWD, name);
    } else {
      Posix.unlink(Posix.AT_FDCWD, name, 0);
    }
  }

  private static void sync(String path) throws FsException {
    try (Descriptor file = Posix.open(path, OpenFlags.O_RDONLY, 0)) {
      Posix.fdatasync(file.number());
    }
  }

  private static byte[] bytes(String path) {
    return Posix.bytes(path);
  }

  private static ByteBuffer direct(byte[] bytes) {
    return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
  }
}
