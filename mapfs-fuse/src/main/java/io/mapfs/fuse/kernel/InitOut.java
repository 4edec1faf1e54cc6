package io.mapfs.fuse.kernel;

import java.nio.ByteBuffer;

/**
 * {@code struct fuse_init_out}.
 *
 * <pre>
 *   0       4       8               12      16         18           20         24
 *  +-------+-------+---------------+-------+----------+------------+----------+
 *  | major | minor | max_readahead | flags | max_back | congestion | max_write|
 *  |       |       |               |       | ground   | threshold  |          |
 *  +-------+---+---+------+--------+--+----+--------+-+------------+--+-------+
 *  | time_gran | max_pages| map_align | flags2 | max_stack_depth | unused... |
 *  +-----------+----------+-----------+--------+-----------------+-----------+
 *  24          28         30          32       36                40          64
 * </pre>
 */
final class InitOut {
  static final int BYTES = 64;

  private InitOut() {}

  static void put(
      ByteBuffer out, int minor, int readaheadBytesMax, long flags, int writeBytesMax, int pages) {
    int end = out.position() + BYTES;
    out.putInt(KernelConnection.MAJOR).putInt(minor).putInt(readaheadBytesMax).putInt((int) flags);
    out.putShort((short) KernelConnection.BACKGROUND_MAX);
    out.putShort((short) KernelConnection.CONGESTION_THRESHOLD);
    // time_gran 1: the filesystem keeps nanoseconds.
    out.putInt(writeBytesMax).putInt(1).putShort((short) pages).putShort((short) 0);
    out.putInt((int) (flags >>> 32));
    while (out.position() < end) {
      out.putInt(0);
    }
  }
}
