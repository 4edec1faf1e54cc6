package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileTime;
import java.nio.ByteBuffer;

/**
 * {@code struct fuse_attr} (88 bytes) and {@code struct fuse_attr_out} around it.
 *
 * <pre>
 *  fuse_attr_out                       fuse_attr
 *   0             8           12  16    0    8     16      24     32     40     48
 *  +-------------+-----------+---+...  +----+-----+-------+------+------+------+
 *  | attr_valid  | valid_nsec| 0 |attr | ino| size| blocks| atime| mtime| ctime|
 *  +-------------+-----------+---+...  +----+--+--+-----+-+----+-+-----+++-----+-----+
 *                                      | *nsec ×3 | mode|nlink | uid| gid|rdev|blksz|fl|
 *                                      +----------+-----+------+----+----+----+-----+--+
 *                                      48         60    64     68   72   76   80    84 88
 * </pre>
 */
final class AttributesOut {
  static final int BYTES = 88;

  /**
   * For how long the kernel may trust what it was told, in seconds: for ever (34 years), because
   * there is one writer and whatever else changes is announced. Clear of every overflow in the
   * kernel's conversion to jiffies.
   */
  static final long VALID_SECONDS = 1L << 30;

  /** st_blksize: the size of a stored block, so that programs read in whole blocks. */
  static final int BLOCK_BYTES = 128 << 10;

  private static final int SECTOR_BYTES = 512;

  private AttributesOut() {}

  /** Puts a fuse_attr. {@code blocks} is st_blocks. */
  static void put(ByteBuffer out, Attributes a, long blocks) {
    out.putLong(a.ino()).putLong(a.sizeBytes()).putLong(blocks);
    out.putLong(a.atime().seconds()).putLong(a.mtime().seconds()).putLong(a.ctime().seconds());
    out.putInt(a.atime().nanos()).putInt(a.mtime().nanos()).putInt(a.ctime().nanos());
    out.putInt(a.mode()).putInt(a.nlink()).putInt(a.uid()).putInt(a.gid()).putInt(a.rdev());
    out.putInt(BLOCK_BYTES).putInt(0);
  }

  /** Puts a fuse_attr_out. */
  static void putReply(ByteBuffer out, Attributes a, long blocks) {
    out.putLong(VALID_SECONDS).putInt(0).putInt(0);
    put(out, a, blocks);
  }

  /** st_blocks of what the filesystem says. */
  static long blocks(Attributes a) {
    return (a.allocatedBytes() + SECTOR_BYTES - 1) / SECTOR_BYTES;
  }

  static void putTime(ByteBuffer out, FileTime time) {
    out.putLong(time.seconds()).putInt(time.nanos()).putInt(0);
  }
}
