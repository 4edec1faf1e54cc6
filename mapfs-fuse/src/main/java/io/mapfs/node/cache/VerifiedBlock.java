package io.mapfs.node.cache;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.block.LeafHashes;
import io.mapfs.core.block.StoredBlock;
import java.nio.ByteBuffer;

/**
 * A block in memory whose content hashes to its id. Immutable by agreement: nobody writes to the
 * arrays.
 *
 * @param content the decompressed content, 1 to {@link BlockId#BLOCK_BYTES} bytes
 * @param leaves its leaf hashes, one after the other
 */
record VerifiedBlock(BlockId id, byte[] content, byte[] leaves) {
  /** Heap taken by the arrays. */
  int heapBytes() {
    return content.length + leaves.length;
  }

  /**
   * Decodes and verifies what the source sent.
   *
   * @throws CorruptBlockException if it is not the block that was asked for
   */
  static VerifiedBlock decode(BlockId asked, StoredBlock stored) throws CorruptBlockException {
    byte[] content = decompress(asked, stored);
    byte[] leaves = LeafHashes.of(content, 0, content.length);
    if (!LeafHashes.id(leaves).equals(asked)) {
      throw new CorruptBlockException(
          "the appliance sent block " + asked + " with a content that does not hash to it");
    }
    return new VerifiedBlock(asked, content, leaves);
  }

  private static byte[] decompress(BlockId asked, StoredBlock stored) throws CorruptBlockException {
    ByteBuffer payload = stored.payload().duplicate();
    byte[] encoded = new byte[payload.remaining()];
    payload.get(encoded);
    if (stored.codec() == StoredBlock.CODEC_RAW && encoded.length == stored.rawBytes()) {
      return encoded;
    }
    if (stored.codec() == StoredBlock.CODEC_ZSTD) {
      byte[] content = new byte[stored.rawBytes()];
      try {
        if (Zstd.decompress(content, encoded) == content.length) {
          return content;
        }
      } catch (ZstdException e) {
        throw (CorruptBlockException)
            new CorruptBlockException(
                    "the appliance sent block " + asked + " in a form that cannot be decoded")
                .initCause(e);
      }
    }
    throw new CorruptBlockException(
        "the appliance sent block " + asked + " in a form that cannot be decoded");
  }
}
