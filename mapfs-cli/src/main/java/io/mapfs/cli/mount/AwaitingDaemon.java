package io.mapfs.cli.mount;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import io.mapfs.node.NativeLibraries;
import java.io.IOException;
import java.util.List;

/** The daemon's half of {@link DaemonProcess}: a process that learns its command line later. */
public final class AwaitingDaemon {
  private static final int STANDARD_ERROR = 2;
  private static final int OWNER_ALONE = 0600;

  private AwaitingDaemon() {}

  /** Whether this process was started to await its command line. */
  public static boolean isMeant(String[] arguments) {
    return arguments.length == 2 && arguments[1].equals(DaemonArguments.AWAIT);
  }

  /**
   * Loads what a daemon needs, waits for the command line and turns standard error to the file that
   * comes with it.
   *
   * @return the command line; empty if there will be none
   * @throws IOException if the pipe fails
   * @throws FsException if the file for errors cannot be written
   */
  public static String[] await() throws IOException, FsException {
    NativeLibraries.load();
    List<String> arguments = DaemonArguments.read(System.in);
    if (arguments.isEmpty()) {
      return new String[0];
    }
    int flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_TRUNC;
    try (Descriptor errors = Posix.open(arguments.get(0), flags, OWNER_ALONE)) {
      Posix.duplicate(errors, STANDARD_ERROR);
    }
    return arguments.subList(1, arguments.size()).toArray(String[]::new);
  }
}
