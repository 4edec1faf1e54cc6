package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.DirectorySink;
import io.mapfs.core.fs.FileType;
import java.nio.ByteBuffer;

/**
 * Puts directory entries into a reply until it is full: {@code struct fuse_dirent}, behind a {@link
 * EntryOut} for READDIRPLUS; each padded to a multiple of eight.
 *
 * <pre>
 *   0       8       16        20     24
 *  +-------+-------+---------+------+---------+-------+
 *  |  ino  |  off  | namelen | type | name... | pad   |
 *  +-------+-------+---------+------+---------+-------+
 * </pre>
 */
final class DirectoryWriter implements DirectorySink {
  private static final int NAME = 24;

  private final KernelConnection connection;
  private final ByteBuffer out;
  private final boolean plus;

  DirectoryWriter(KernelConnection connection, ByteBuffer out, boolean plus) {
    this.connection = connection;
    this.out = out;
    this.plus = plus;
  }

  @Override
  public boolean accept(byte[] name, long ino, FileType type, long nextCookie, Attributes a) {
    int unpadded = (plus ? EntryOut.BYTES : 0) + NAME + name.length;
    int padded = (unpadded + Long.BYTES - 1) & -Long.BYTES;
    if (out.remaining() < padded) {
      return false;
    }
    if (plus && a != null) {
      EntryOut.put(out, a, connection.blocks(a));
    } else if (plus) {
      EntryOut.putNone(out);
    }
    out.putLong(ino).putLong(nextCookie).putInt(name.length).putInt(type.code()).put(name);
    for (int i = unpadded; i < padded; i++) {
      out.put((byte) 0);
    }
    return true;
  }
}
