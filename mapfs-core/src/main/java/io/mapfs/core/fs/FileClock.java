package io.mapfs.core.fs;

import java.time.Instant;

/**
 * Where a filesystem takes the present from. It must run as the kernel's own file timestamps do
 * (CLOCK_REALTIME_COARSE, ktime_get_coarse_real_ts64): with the writeback cache the kernel stamps
 * mtime itself, and a finer clock here would let a file be changed before it was born.
 */
@FunctionalInterface
public interface FileClock {
  FileTime now();

  /** The Java platform's clock: for places where the kernel stamps nothing, such as tests. */
  static FileClock system() {
    return () -> {
      Instant now = Instant.now();
      return new FileTime(now.getEpochSecond(), now.getNano());
    };
  }
}
