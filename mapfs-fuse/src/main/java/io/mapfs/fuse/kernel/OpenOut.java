package io.mapfs.fuse.kernel;

import java.nio.ByteBuffer;

/**
 * {@code struct fuse_open_out}.
 *
 * <pre>
 *   0                8            12           16
 *  +----------------+------------+------------+
 *  |       fh       | open_flags | backing_id |
 *  +----------------+------------+------------+
 * </pre>
 */
final class OpenOut {
  /** Keep the page cache at open: nobody else writes, and what does change is announced. */
  static final int FOPEN_KEEP_CACHE = 1 << 1;

  static final int FOPEN_CACHE_DIR = 1 << 3;

  private OpenOut() {}

  static void put(ByteBuffer out, long handle, int openFlags) {
    out.putLong(handle).putInt(openFlags).putInt(0);
  }
}
