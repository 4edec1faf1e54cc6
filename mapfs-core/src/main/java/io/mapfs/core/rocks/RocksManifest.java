package io.mapfs.core.rocks;

import io.mapfs.core.kv.DamagedStoreException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;

/**
 * Checks the manifest of a database before RocksDB reads it: a bit that changed there can send
 * RocksDB (10.10.1) into a loop without an end.
 *
 * <p>A manifest is in the format of RocksDB's logs (db/log_format.h): blocks of 32 KiB, in each of
 * them records of a checksum (4 bytes, of all that follows the length), a length (2), a type (1)
 * and that many bytes; less than a head's room at a block's end is unused. The last record may be
 * short of bytes: of a crash, to which RocksDB sees.
 */
final class RocksManifest {
  private static final int BLOCK_BYTES = 32 << 10;
  private static final int HEAD_BYTES = 7;
  private static final int LENGTH_AT = 4;
  private static final int TYPE_AT = 6;

  /** The type of room that was made and not used. */
  private static final int UNUSED = 0;

  /** A record that is whole, or the first, a middle or the last part of one. */
  private static final int LAST_TYPE = 4;

  private static final int MASK = 0xa282ead8;
  private static final Pattern NAME = Pattern.compile("(MANIFEST-\\d+)\n");

  private final Path file;
  private final ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  private RocksManifest(Path file) {
    this.file = file;
  }

  /**
   * Checks the manifest that the file CURRENT names; what is missing is for RocksDB to say.
   *
   * @throws DamagedStoreException if a record is not as it was written
   */
  static void check(Path current) throws IOException {
    try {
      // Characters of one byte each: what is no name must not fail here.
      var name = NAME.matcher(Files.readString(current, StandardCharsets.ISO_8859_1));
      if (name.matches()) {
        new RocksManifest(current.resolveSibling(name.group(1))).check();
      }
    } catch (NoSuchFileException e) {
      // No database yet, or one without a manifest.
    }
  }

  private void check() throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      long offset = 0;
      int count;
      while ((count = in.readNBytes(block.array(), 0, BLOCK_BYTES)) > 0) {
        block.clear().limit(count);
        checkBlock(offset);
        offset += count;
      }
    }
  }

  private void checkBlock(long offset) throws DamagedStoreException {
    boolean last = block.limit() < BLOCK_BYTES;
    while (block.remaining() >= HEAD_BYTES) {
      int start = block.position();
      int checksum = block.getInt();
      int length = Short.toUnsignedInt(block.getShort());
      int type = block.get();
      if (type == UNUSED && length == 0 && checksum == 0) {
        return;
      }
      if (last && length > block.remaining() && !isLengthChanged(start)) {
        return;
      }
      if (type < 1 || type > LAST_TYPE || !isWhole(start, length)) {
        throw damaged(offset + start);
      }
      block.position(start + HEAD_BYTES + length);
    }
  }

  /** Whether the record is whole with one bit of its length changed: no crash has cut it. */
  private boolean isLengthChanged(int start) {
    int length = Short.toUnsignedInt(block.getShort(start + LENGTH_AT));
    return IntStream.range(0, Short.SIZE).anyMatch(bit -> isWhole(start, length ^ 1 << bit));
  }

  private boolean isWhole(int start, int length) {
    if (start + HEAD_BYTES + length > block.limit()) {
      return false;
    }
    CRC32C crc = new CRC32C();
    crc.update(block.array(), start + TYPE_AT, 1 + length);
    return block.getInt(start) == Integer.rotateRight((int) crc.getValue(), 15) + MASK;
  }

  private DamagedStoreException damaged(long at) {
    return new DamagedStoreException(
        "the database in "
            + file.getParent()
            + " is damaged: the record at byte "
            + at
            + " of its "
            + file.getFileName()
            + " is not as it was written",
        null);
  }
}
