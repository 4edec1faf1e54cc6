package io.mapfs.core.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** A pack's first bytes. */
final class PackHeader {
  private PackHeader() {}

  static ByteBuffer encode(int number) {
    ByteBuffer header =
        ByteBuffer.allocate(PackFormat.FILE_HEADER_BYTES)
            .putInt(PackFormat.FILE_MAGIC)
            .putShort((short) PackFormat.VERSION)
            .put(BlockId.ALGORITHM_SHA256_LEAVES)
            .put((byte) 0)
            .putInt(number);
    return header.putInt(checksum(header)).flip();
  }

  /**
   * Whether the file begins with this number's header.
   *
   * @throws IOException if it is one of a newer format
   */
  static boolean isRight(PackFile file) throws IOException {
    ByteBuffer header = file.read(ByteBuffer.allocate(PackFormat.FILE_HEADER_BYTES), 0);
    if (header.limit() < PackFormat.FILE_HEADER_BYTES
        || header.getInt(0) != PackFormat.FILE_MAGIC
        || header.getInt(12) != checksum(header)) {
      return false;
    }
    int version = header.getShort(4) & 0xffff;
    if (version != PackFormat.VERSION || header.get(6) != BlockId.ALGORITHM_SHA256_LEAVES) {
      throw new IOException(
          "pack "
              + file.path()
              + " has format version "
              + version
              + " and hash algorithm "
              + header.get(6)
              + ", this program reads 1 and 1: update the program");
    }
    return header.getInt(8) == file.number();
  }

  private static int checksum(ByteBuffer header) {
    CRC32C crc = new CRC32C();
    crc.update(header.slice(0, 12));
    return (int) crc.getValue();
  }
}
