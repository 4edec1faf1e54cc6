package io.mapfs.cli.mount;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import io.mapfs.node.NativeLibraries;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How a command becomes a daemon. Java cannot fork, so the launcher starts the whole command in a
 * session of its own and waits on a pipe for its exit code: the command speaks to the user's
 * terminal until it gives that answer, and goes on without terminal, pipe and working directory.
 *
 * <p>There is one answer: the first.
 */
public final class Background {
  /** The number of the pipe's descriptor, which the launcher says; unset where nobody waits. */
  private static final String PROPERTY = "mapfs.answer";

  private static final int NONE = -1;
  private static final int STANDARD_INPUT = 0;
  private static final int STANDARD_OUTPUT = 1;
  private static final int STANDARD_ERROR = 2;
  private static final int OWNER_ALONE = 0600;

  /** The exit code of a command that was interrupted (128 and SIGINT). */
  private static final int INTERRUPTED = 130;

  /** {@code struct pollfd}; errors are told without being asked for. */
  private static final int POLL_BYTES = 8;

  /** {@link #NONE} once the answer is given. */
  private static final AtomicInteger PIPE = new AtomicInteger(Integer.getInteger(PROPERTY, NONE));

  private Background() {}

  /** Loads what a daemon needs while the command line is read, if this is to become one. */
  public static void prepare() {
    if (isAwaited()) {
      NativeLibraries.load();
    }
  }

  /** Whether the launcher waits for an answer. */
  static boolean isAwaited() {
    return PIPE.get() != NONE;
  }

  /**
   * Tells the launcher how the command ended, if it waits.
   *
   * @return whether it waited
   */
  public static boolean answer(int exitCode) throws FsException {
    int pipe = PIPE.getAndSet(NONE);
    if (pipe == NONE) {
      return false;
    }
    byte[] line = (exitCode + "\n").getBytes(StandardCharsets.US_ASCII);
    Posix.writeFully(pipe, ByteBuffer.allocateDirect(line.length).put(line).flip());
    return true;
  }

  /**
   * The command has done its work and goes on as a daemon: nothing of its starter's stays open.
   *
   * @param errors what standard error is from now on
   * @throws FsException EPIPE if the launcher has ended without the answer
   */
  static void goOn(Path errors) throws FsException {
    int pipe = PIPE.get();
    int flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC;
    try (Descriptor nowhere = Posix.open("/dev/null", OpenFlags.O_RDWR, 0);
        Descriptor file = Posix.open(errors.toString(), flags, OWNER_ALONE)) {
      Posix.duplicate(nowhere, STANDARD_INPUT);
      Posix.duplicate(nowhere, STANDARD_OUTPUT);
      Posix.duplicate(file, STANDARD_ERROR);
      Posix.changeDirectory("/");
      if (answer(0)) {
        Posix.duplicate(nowhere, pipe);
      }
    }
  }

  /** Ends this process if the launcher ends before it has the answer: the user's Ctrl-C. */
  static void endWithLauncher() {
    Thread watch = new Thread(Background::watch, "mapfs-launcher-watch");
    watch.setDaemon(true);
    watch.start();
  }

  private static void watch() {
    ByteBuffer entry = ByteBuffer.allocateDirect(POLL_BYTES).order(ByteOrder.nativeOrder());
    entry.putInt(0, PIPE.get());
    while (Posix.pollRaw(Posix.address(entry), 1, -1) == -Errno.EINTR.number()) {
      // The pipe has no other end any more when this returns.
    }
    if (isAwaited()) {
      System.exit(INTERRUPTED);
    }
  }
}
