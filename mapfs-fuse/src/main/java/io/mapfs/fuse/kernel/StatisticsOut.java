package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.FileSystemStatistics;
import io.mapfs.core.fs.Name;
import java.nio.ByteBuffer;

/**
 * {@code struct fuse_kstatfs}.
 *
 * <pre>
 *   0        8       16       24      32      40      44        48       52      56       80
 *  +--------+-------+--------+-------+-------+-------+---------+--------+-------+--------+
 *  | blocks | bfree | bavail | files | ffree | bsize | namelen | frsize | pad   | spare  |
 *  +--------+-------+--------+-------+-------+-------+---------+--------+-------+--------+
 * </pre>
 */
final class StatisticsOut {
  private StatisticsOut() {}

  static void put(ByteBuffer out, FileSystemStatistics s) {
    out.putLong(s.blocks()).putLong(s.freeBlocks()).putLong(s.availableBlocks());
    out.putLong(s.inodes()).putLong(s.freeInodes());
    out.putInt(s.blockBytes()).putInt(Name.MAX_BYTES).putInt(s.blockBytes()).putInt(0);
    out.putLong(0).putLong(0).putLong(0);
  }
}
