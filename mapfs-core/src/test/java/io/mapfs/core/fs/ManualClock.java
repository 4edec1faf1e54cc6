package io.mapfs.core.fs;

/** A clock that stands still until the test moves it. */
public final class ManualClock implements FileClock {
  private FileTime now = new FileTime(1_700_000_000L, 0);

  @Override
  public synchronized FileTime now() {
    return now;
  }

  public synchronized void set(FileTime time) {
    now = time;
  }

  public synchronized void advanceNanos(long nanos) {
    long total = now.nanos() + nanos;
    now = new FileTime(now.seconds() + total / 1_000_000_000L, (int) (total % 1_000_000_000L));
  }
}
