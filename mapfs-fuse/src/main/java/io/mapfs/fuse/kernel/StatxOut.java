package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.Attributes;
import java.nio.ByteBuffer;

/**
 * {@code struct fuse_statx_out} (288 bytes): validity, then a {@code struct fuse_statx}, which is
 * statx(2)'s own layout.
 *
 * <pre>
 *  at  0 attr_valid  8 attr_valid_nsec  12 flags  16 spare  32 statx:
 *      0 mask  4 blksize  8 attributes  16 nlink  20 uid  24 gid  28 mode (u16)  30 spare
 *     32 ino  40 size  48 blocks  56 attributes_mask
 *     64 atime  80 btime  96 ctime  112 mtime    (s64 seconds, u32 nanoseconds, pad)
 *    128 rdev_major  132 rdev_minor  136 dev_major  140 dev_minor  144 spare  256
 * </pre>
 */
final class StatxOut {
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final int STATX_BTIME = 0x800;
  private static final int SPARE_BYTES = 112;

  private StatxOut() {}

  static void put(ByteBuffer out, Attributes a, long blocks) {
    out.putLong(AttributesOut.VALID_SECONDS).putInt(0).putInt(0).putLong(0).putLong(0);
    out.putInt(STATX_BASIC_STATS | STATX_BTIME).putInt(AttributesOut.BLOCK_BYTES).putLong(0);
    out.putInt(a.nlink()).putInt(a.uid()).putInt(a.gid());
    out.putShort((short) a.mode()).putShort((short) 0);
    out.putLong(a.ino()).putLong(a.sizeBytes()).putLong(blocks).putLong(0);
    AttributesOut.putTime(out, a.atime());
    AttributesOut.putTime(out, a.btime());
    AttributesOut.putTime(out, a.ctime());
    AttributesOut.putTime(out, a.mtime());
    // new_decode_dev (linux/kdev_t.h)
    out.putInt((a.rdev() & 0xfff00) >>> 8)
        .putInt((a.rdev() & 0xff) | ((a.rdev() >>> 12) & 0xfff00));
    out.putInt(0).putInt(0);
    for (int i = 0; i < SPARE_BYTES; i += Long.BYTES) {
      out.putLong(0);
    }
  }
}
