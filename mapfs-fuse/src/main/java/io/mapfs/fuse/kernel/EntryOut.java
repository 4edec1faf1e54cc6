package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.Attributes;
import java.nio.ByteBuffer;

/**
 * {@code struct fuse_entry_out}: the answer to whatever finds or makes a name.
 *
 * <pre>
 *   0        8            16            24           32          36         40      128
 *  +--------+------------+-------------+------------+-----------+----------+-------+
 *  | nodeid | generation | entry_valid | attr_valid |entry_nsec |attr_nsec | attr  |
 *  +--------+------------+-------------+------------+-----------+----------+-------+
 * </pre>
 *
 * The generation is always 0: the content generation is part of the node id.
 */
final class EntryOut {
  static final int BYTES = 40 + AttributesOut.BYTES;

  private EntryOut() {}

  static void put(ByteBuffer out, Attributes a, long blocks) {
    out.putLong(a.node()).putLong(0).putLong(AttributesOut.VALID_SECONDS);
    out.putLong(AttributesOut.VALID_SECONDS).putInt(0).putInt(0);
    AttributesOut.put(out, a, blocks);
  }

  /** Puts a negative entry: the kernel remembers that there is no such name. */
  static void putNegative(ByteBuffer out) {
    putEmpty(out, AttributesOut.VALID_SECONDS);
  }

  /** Puts what stands before a directory entry that comes without attributes. */
  static void putNone(ByteBuffer out) {
    putEmpty(out, 0);
  }

  private static void putEmpty(ByteBuffer out, long entryValidSeconds) {
    out.putLong(0).putLong(0).putLong(entryValidSeconds);
    for (int at = 24; at < BYTES; at += Long.BYTES) {
      out.putLong(0);
    }
  }
}
