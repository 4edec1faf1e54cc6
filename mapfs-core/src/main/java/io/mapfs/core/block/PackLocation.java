package io.mapfs.core.block;

import java.nio.ByteBuffer;

/** Where a block's header begins, and its sizes. The index's value: 16 bytes, big-endian. */
record PackLocation(int pack, int offsetBytes, int rawBytes, int storedBytes) {
  static final int BYTES = 16;

  byte[] toBytes() {
    return ByteBuffer.allocate(BYTES)
        .putInt(pack)
        .putInt(offsetBytes)
        .putInt(rawBytes)
        .putInt(storedBytes)
        .array();
  }

  static PackLocation of(byte[] bytes) {
    ByteBuffer source = ByteBuffer.wrap(bytes);
    return new PackLocation(source.getInt(), source.getInt(), source.getInt(), source.getInt());
  }

  /** Length of header and payload. */
  int recordBytes() {
    return PackFormat.BLOCK_HEADER_BYTES + storedBytes;
  }

  /** Whether that block's record begins where this one's ends. */
  boolean isFollowedBy(PackLocation next) {
    return next.pack == pack && next.offsetBytes == (long) offsetBytes + recordBytes();
  }
}
