package io.mapfs.server.overlay;

import java.util.concurrent.TimeUnit;

/**
 * One overlay's turn to write what it has accepted. Whoever has little goes before whoever has
 * much, so that a node's small fsync does not wait behind what the others stream; whoever has
 * waited long enough for its size goes before all who came later, so that nobody waits for ever.
 *
 * @param dueNanos when its turn is due, by {@link System#nanoTime}; the earliest goes first
 */
record Commit(long dueNanos, Runnable work) implements Runnable, Comparable<Commit> {
  /** A MiB waits behind all smaller ones that come within a second. */
  private static final long NANOS_PER_MIB = TimeUnit.SECONDS.toNanos(1);

  static Commit of(long bytes, long nowNanos, Runnable work) {
    return new Commit(nowNanos + bytes * NANOS_PER_MIB / (1 << 20), work);
  }

  @Override
  public void run() {
    work.run();
  }

  @Override
  public int compareTo(Commit other) {
    return Long.signum(dueNanos - other.dueNanos); // nanoTime may overflow
  }
}
