package io.mapfs.cli.base;

import com.google.gson.JsonObject;
import java.io.PrintStream;

/**
 * One line on standard error that is overwritten as work goes on, a few times a second; nothing
 * where standard error is no terminal. Safe for use by several threads.
 */
public final class ProgressLine implements AutoCloseable {
  private static final long INTERVAL_NANOS = 200_000_000;
  private static final String ERASE = "\r\u001b[K";

  private final PrintStream terminal;
  private long shownNanos = System.nanoTime() - INTERVAL_NANOS;
  private boolean shown;

  private ProgressLine(PrintStream terminal) {
    this.terminal = terminal;
  }

  /** The launcher says whether standard error is a terminal: Java cannot tell it reliably. */
  public static ProgressLine ofEnvironment() {
    return new ProgressLine(Boolean.getBoolean("mapfs.terminal") ? System.err : null);
  }

  public synchronized void show(String text) {
    if (terminal == null || System.nanoTime() - shownNanos < INTERVAL_NANOS) {
      return;
    }
    terminal.print(ERASE + text);
    terminal.flush();
    shownNanos = System.nanoTime();
    shown = true;
  }

  /** Shows an appliance's own progress: how many are done, of how many, of what. */
  public void show(JsonObject progress) {
    show(
        Fields.text(progress, "done")
            + " of "
            + Fields.text(progress, "total")
            + " "
            + Fields.text(progress, "what"));
  }

  /** Clears the line. */
  @Override
  public synchronized void close() {
    if (shown) {
      terminal.print(ERASE);
      terminal.flush();
      shown = false;
    }
  }
}
