package io.mapfs.server.overlay;

import java.util.concurrent.TimeUnit;

/**
 * One overlay's turn to write what it has accepted. Whoever has little goes before whoever has
 * much, so that a node's small fsync does not wait behind what the others stream; whoever has
 * waited long enough for its size goes before all who came later, so that nobody waits for ever.
 * Small ones have threads of their own: a turn of 16 MiB takes a disk tens of milliseconds, and all
 * the other threads may be at one.
 *
 * @param bytes what had been accepted when the turn was asked for
 * @param dueNanos when its turn is due, by {@link System#nanoTime}; the earliest goes first
 */
record Commit(long bytes, long dueNanos, Runnable work) implements Runnable, Comparable<Commit> {
  /** A MiB waits behind all smaller ones that come within a second. */
  private static final long NANOS_PER_MIB = TimeUnit.SECONDS.toNanos(1);

  /** As much as a program's fsync has, and a stream's record has not. */
  private static final long SMALL_BYTES_MAX = 64 << 10;

  static Commit of(long bytes, long nowNanos, Runnable work) {
    return new Commit(bytes, nowNanos + bytes * NANOS_PER_MIB / (1 << 20), work);
  }

  boolean isSmall() {
    return bytes <= SMALL_BYTES_MAX;
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
