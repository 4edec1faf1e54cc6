package io.mapfs.cli.mount;

import io.mapfs.cli.base.CommandFailure;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The process of a daemon that awaits its command line, in a session of its own.
 *
 * <p>A virtual machine and the native libraries take some 0.3 s to start, and {@code mapfs mount}
 * as long to read its own command line: {@link #startAhead} lets them do it at the same time. A
 * process whose starter ends without a word ends too.
 */
public final class DaemonProcess {
  /** Options of {@code mapfs mount} with which no daemon is started in the background. */
  private static final Set<String> NO_DAEMON = Set.of("--foreground", "--help", "-h");

  /** Started before the command line was read; taken by the command that wants it. */
  private static final AtomicReference<Process> AHEAD = new AtomicReference<>();

  private DaemonProcess() {}

  /** Starts a daemon's process if this command line looks like one that will need it. */
  public static void startAhead(String[] arguments) {
    if (arguments.length > 2
        && arguments[0].equals("mount")
        && List.of(arguments).stream().noneMatch(NO_DAEMON::contains)) {
      try {
        AHEAD.set(start());
      } catch (IOException | CommandFailure e) {
        // Who needs it tries again, and says what is wrong.
      }
    }
  }

  /** The process that was started ahead, else a new one. */
  static Process take() throws IOException, CommandFailure {
    Process ahead = AHEAD.getAndSet(null);
    return ahead != null && ahead.isAlive() ? ahead : start();
  }

  private static Process start() throws IOException, CommandFailure {
    return new ProcessBuilder("setsid", launcher().toString(), "node-daemon", DaemonArguments.AWAIT)
        .directory(Path.of("/").toFile())
        // Until it knows its own file for errors.
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static Path launcher() throws CommandFailure {
    String home = System.getProperty("mapfs.home");
    if (home == null) {
      throw new CommandFailure(
          FailureCode.INTERNAL, "not started by the launcher; run bin/mapfs of the distribution");
    }
    return Path.of(home, "bin", "mapfs");
  }
}
