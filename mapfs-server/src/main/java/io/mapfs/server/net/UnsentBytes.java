package io.mapfs.server.net;

/**
 * Counts the bytes of answers that were made and not yet sent, all connections together. Past a
 * bound the workers make no more, except urgent ones, until half of them are sent.
 */
final class UnsentBytes {
  private final long most;
  private final WorkQueue workers;
  private long bytes;
  private boolean exhausted;

  UnsentBytes(long most, WorkQueue workers) {
    this.most = most;
    this.workers = workers;
  }

  void add(int count) {
    change(count);
  }

  void subtract(int count) {
    change(-count);
  }

  private synchronized void change(long count) {
    bytes += count;
    boolean now = exhausted ? bytes > most / 2 : bytes > most;
    if (now != exhausted) {
      exhausted = now;
      workers.pause(now);
    }
  }

  synchronized boolean isExhausted() {
    return exhausted;
  }
}
