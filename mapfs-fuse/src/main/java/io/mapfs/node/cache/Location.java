package io.mapfs.node.cache;

/**
 * Where a block lies on disk, in one long; never 0.
 *
 * <pre>
 *   63          42 41            18 17            1  0
 *  +--------------+----------------+---------------+---+
 *  |   segment    |  offset / 64   | rawBytes - 1  | r |
 *  +--------------+----------------+---------------+---+
 * </pre>
 *
 * {@code r}: the block was read from disk since it was written there.
 */
final class Location {
  static final int SEGMENT_MAX = (1 << 22) - 1;
  static final long REUSED = 1;

  private Location() {}

  static long of(int segment, long offsetBytes, int rawBytes) {
    return ((long) segment << 42)
        | ((offsetBytes / Segment.ALIGN_BYTES) << 18)
        | ((rawBytes - 1L) << 1);
  }

  static int segment(long location) {
    return (int) (location >>> 42);
  }

  static long offsetBytes(long location) {
    return ((location >>> 18) & ((1 << 24) - 1)) * Segment.ALIGN_BYTES;
  }

  static int rawBytes(long location) {
    return (int) ((location >>> 1) & ((1 << 17) - 1)) + 1;
  }
}
