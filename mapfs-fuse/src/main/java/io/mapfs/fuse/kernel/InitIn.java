package io.mapfs.fuse.kernel;

import java.nio.ByteBuffer;

/**
 * {@code struct fuse_init_in}. Kernels before 7.36 send the first 16 bytes only.
 *
 * <pre>
 *   0        4        8               12       16        20          64
 *  +--------+--------+---------------+--------+---------+-----------+
 *  | major  | minor  | max_readahead | flags  | flags2  | unused... |
 *  +--------+--------+---------------+--------+---------+-----------+
 * </pre>
 */
final class InitIn {
  static final int MAJOR = 0;
  static final int MINOR = 4;
  static final int READAHEAD_BYTES_MAX = 8;
  static final int FLAGS = 12;
  static final int FLAGS2 = 16;
  static final int BYTES_MIN = 16;

  private InitIn() {}

  /** All 64 flag bits of the body that starts at {@code at} and ends at the buffer's limit. */
  static long flags(ByteBuffer in, int at) {
    long low = Integer.toUnsignedLong(in.getInt(at + FLAGS));
    boolean extended = InitFlag.INIT_EXT.in(low) && in.limit() - at >= FLAGS2 + 4;
    return extended ? low | Integer.toUnsignedLong(in.getInt(at + FLAGS2)) << 32 : low;
  }
}
