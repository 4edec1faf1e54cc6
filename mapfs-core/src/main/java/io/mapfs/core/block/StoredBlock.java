package io.mapfs.core.block;

import java.nio.ByteBuffer;

/**
 * A block as it is stored and sent.
 *
 * @param id the address of the raw content
 * @param codec how the payload is encoded: {@link #CODEC_RAW} or {@link #CODEC_ZSTD}; with {@link
 *     #SEALED} it is then encrypted, and the id is not the content's (docs/format.md, "Encrypted
 *     overlays")
 * @param rawBytes length of the raw content, 1 to {@link BlockId#BLOCK_BYTES}
 * @param payload the encoded content, from position to limit; borrowed
 */
public record StoredBlock(BlockId id, byte codec, int rawBytes, ByteBuffer payload) {
  public static final byte CODEC_RAW = 0;
  public static final byte CODEC_ZSTD = 1;

  /** Bit of the codec: the payload is encrypted. Such a block is in packs alone, never sent. */
  public static final byte SEALED = (byte) 0x80;

  /** What encryption adds to a payload: nonce and tag. */
  public static final int SEAL_BYTES = 28;

  public StoredBlock {
    if (rawBytes < 1 || rawBytes > BlockId.BLOCK_BYTES) {
      throw new IllegalArgumentException("a block has 1 to 131072 bytes, not " + rawBytes);
    }
  }

  /** Whether it is encrypted. */
  public boolean isSealed() {
    return isSealed(codec);
  }

  static boolean isSealed(byte codec) {
    return (codec & SEALED) != 0;
  }
}
