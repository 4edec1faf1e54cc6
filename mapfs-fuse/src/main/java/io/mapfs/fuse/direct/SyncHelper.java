package io.mapfs.fuse.direct;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * A process of its own that makes the kernel write a mount's dirty pages back. The daemon cannot: a
 * thread of it that waited for its own mount could not even be killed.
 *
 * <p>Inodes are opened by file handle, which needs no name and works for unlinked ones.
 *
 * <pre>
 *  arguments: MOUNT_POINT DEVICE MOUNT_ID THREADS
 *             DEVICE: the filesystem's number, new_encode_dev; MOUNT_ID: as in /proc/PID/fdinfo
 *  stdin      SEQ sync NODE                  fsync(2) of the node (hexadecimal)
 *             SEQ pages NODE                 sync_file_range(2), which takes no lock of the inode
 *  stdout     ready TID...                   once: the threads that make these calls
 *             SEQ ok LENGTH                  done; the file's length
 *             SEQ gone                       the kernel has no such inode (any more)
 *             SEQ failed ERRNO MESSAGE
 * </pre>
 *
 * It ends at the end of stdin, that is, with the daemon.
 */
public final class SyncHelper {
  static final String READY = "ready";
  static final String SYNC = "sync";
  static final String PAGES = "pages";
  static final String OK = "ok";
  static final String GONE = "gone";
  static final String FAILED = "failed";

  /** FILEID_INO64_GEN: u32 node id high, u32 node id low, u32 generation (fuse_encode_fh). */
  private static final int HANDLE_TYPE = 0x81;

  private static final int HANDLE_BYTES = 12;
  private static final int QUEUED_MAX = 1024;

  private final byte[] mountPoint;
  private final int device;
  private final String mountId;
  private final BlockingQueue<String> commands = new ArrayBlockingQueue<>(QUEUED_MAX);
  private final BlockingQueue<Integer> threadIds;
  private final PrintStream answers;

  private SyncHelper(
      String mountPoint, int device, String mountId, int threads, PrintStream answers) {
    this.mountPoint = Posix.bytes(mountPoint);
    this.device = device;
    this.mountId = mountId;
    this.threadIds = new ArrayBlockingQueue<>(threads);
    this.answers = answers;
  }

  /** Runs until stdin ends. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    int device = Integer.parseInt(arguments[1]);
    int threads = Integer.parseInt(arguments[3]);
    new SyncHelper(arguments[0], device, arguments[2], threads, System.out).run(threads);
    // Threads that wait for a mount that will never answer end with the process.
    Runtime.getRuntime().halt(0);
  }

  private void run(int threads) throws IOException, InterruptedException {
    for (int i = 0; i < threads; i++) {
      Thread thread = new Thread(this::serve, "sync-" + i);
      thread.setDaemon(true);
      thread.start();
    }
    StringBuilder ready = new StringBuilder(READY);
    for (int i = 0; i < threads; i++) {
      ready.append(' ').append(threadIds.take());
    }
    answer(ready.toString());
    BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      commands.put(line);
    }
  }

  private void serve() {
    threadIds.add(Posix.threadId());
    try {
      while (true) {
        String[] words = commands.take().split(" ");
        String sequence = words[0];
        try {
          act(sequence, words[1], Long.parseUnsignedLong(words[2], 16));
        } catch (FsException e) {
          boolean gone = e.errno() == Errno.ESTALE || e.errno() == Errno.ENOENT;
          String failed = FAILED + ' ' + e.errno().number() + ' ' + e.getMessage();
          answer(sequence + ' ' + (gone ? GONE : failed));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void act(String sequence, String command, long node) throws FsException {
    try (Descriptor file = open(node)) {
      if (command.equals(SYNC)) {
        Posix.fsync(file.number());
      } else {
        Posix.writePagesBack(file.number());
      }
      // Told before the file is closed: close waits for the inode's lock, which whoever asked for
      // "pages" may hold (fs/fuse/file.c, fuse_flush).
      answer(sequence + ' ' + OK + ' ' + Posix.status(file.number()).sizeBytes());
    }
  }

  private Descriptor open(long node) throws FsException {
    try (Descriptor any = anyFile()) {
      return Posix.openByHandle(any.number(), HANDLE_TYPE, handle(node), OpenFlags.O_RDONLY);
    }
  }

  /**
   * Some file of the mount: its root, or, once no path leads there, one that a program has open.
   */
  private Descriptor anyFile() throws FsException {
    Descriptor root = null;
    try {
      root = Posix.open(Posix.AT_FDCWD, mountPoint, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY, 0);
      if (Posix.status(root.number()).device() == device) {
        return root;
      }
      root.close();
    } catch (FsException e) {
      if (root != null) {
        root.close();
      }
    }
    return openOfAProgram();
  }

  /** After a lazy unmount the mount lives on in what programs have open. */
  private Descriptor openOfAProgram() throws FsException {
    try (DirectoryStream<Path> programs = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
      for (Path program : programs) {
        Descriptor found = openOf(program);
        if (found != null) {
          return found;
        }
      }
    } catch (IOException e) {
      throw new FsException(Errno.EIO, "/proc cannot be read", e);
    }
    throw new FsException(
        Errno.EXDEV,
        Posix.printable(mountPoint) + " shows another filesystem, and no program has a file open");
  }

  private Descriptor openOf(Path program) {
    try (DirectoryStream<Path> infos = Files.newDirectoryStream(program.resolve("fdinfo"))) {
      for (Path info : infos) {
        Path file = program.resolve("fd").resolve(info.getFileName());
        if (isOnMount(info) && (Files.isRegularFile(file) || Files.isDirectory(file))) {
          return Posix.open(file.toString(), OpenFlags.O_RDONLY, 0);
        }
      }
    } catch (IOException | FsException e) {
      // The program ended, or closed it, meanwhile.
    }
    return null;
  }

  /** Asks no filesystem but /proc. */
  private boolean isOnMount(Path info) throws IOException {
    for (String line : Files.readAllLines(info, StandardCharsets.ISO_8859_1)) {
      if (line.startsWith("mnt_id:")) {
        return line.substring("mnt_id:".length()).strip().equals(mountId);
      }
    }
    return false;
  }

  private static byte[] handle(long node) {
    ByteBuffer handle = ByteBuffer.allocate(HANDLE_BYTES).order(ByteOrder.nativeOrder());
    return handle.putInt((int) (node >>> 32)).putInt((int) node).putInt(0).array();
  }

  private void answer(String line) {
    synchronized (answers) {
      answers.println(line);
      answers.flush();
    }
  }
}
