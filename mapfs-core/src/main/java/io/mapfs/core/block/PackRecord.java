package io.mapfs.core.block;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** A block's header and payload as they lie in a pack. */
final class PackRecord {
  private PackRecord() {}

  /** Header and payload, ready to be written. */
  static ByteBuffer encode(StoredBlock block) {
    int storedBytes = block.payload().remaining();
    ByteBuffer record = ByteBuffer.allocate(PackFormat.BLOCK_HEADER_BYTES + storedBytes);
    record
        .putInt(PackFormat.BLOCK_MAGIC)
        .put(block.codec())
        .put(new byte[3])
        .putInt(0)
        .putInt(block.rawBytes())
        .putInt(storedBytes);
    block.id().putInto(record);
    record.position(PackFormat.BLOCK_HEADER_BYTES).put(block.payload().duplicate());
    record.putInt(PackFormat.BLOCK_CHECKED_BYTES, checksum(record));
    return record.flip();
  }

  /**
   * Length of header and payload that a header claims; -1 where it is no header or an impossible
   * one. The buffer has at least a header from its position on and is untouched.
   */
  static int claimedBytes(ByteBuffer header) {
    int at = header.position();
    int rawBytes = header.getInt(at + 12);
    int storedBytes = header.getInt(at + 16);
    int addedBytes = StoredBlock.isSealed(header.get(at + 4)) ? StoredBlock.SEAL_BYTES : 0;
    boolean possible =
        header.getInt(at) == PackFormat.BLOCK_MAGIC
            && rawBytes >= 1
            && rawBytes <= BlockId.BLOCK_BYTES
            && storedBytes >= 1 + addedBytes
            && storedBytes <= rawBytes + addedBytes;
    return possible ? PackFormat.BLOCK_HEADER_BYTES + storedBytes : -1;
  }

  /**
   * The block in a buffer that has it from 0 to limit; {@code null} if it is not what was written.
   */
  static StoredBlock decode(ByteBuffer record) {
    if (record.limit() < PackFormat.BLOCK_HEADER_BYTES
        || claimedBytes(record.rewind()) != record.limit()
        || record.getInt(PackFormat.BLOCK_CHECKED_BYTES) != checksum(record)) {
      return null;
    }
    BlockId id = BlockId.take(record.duplicate().position(20));
    ByteBuffer payload =
        record.slice(PackFormat.BLOCK_HEADER_BYTES, record.limit() - PackFormat.BLOCK_HEADER_BYTES);
    return new StoredBlock(id, record.get(4), record.getInt(12), payload);
  }

  private static int checksum(ByteBuffer record) {
    CRC32C crc = new CRC32C();
    crc.update(record.slice(0, PackFormat.BLOCK_CHECKED_BYTES));
    crc.update(
        record.slice(
            PackFormat.BLOCK_HEADER_BYTES, record.limit() - PackFormat.BLOCK_HEADER_BYTES));
    return (int) crc.getValue();
  }
}
