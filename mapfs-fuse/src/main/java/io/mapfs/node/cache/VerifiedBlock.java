package io.mapfs.node.cache;

import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.block.LeafHashes;
import io.mapfs.core.block.StoredBlock;

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
    byte[] content = BlockCodec.decode(stored);
    byte[] leaves = LeafHashes.of(content, 0, content.length);
    if (!LeafHashes.id(leaves).equals(asked)) {
      throw new CorruptBlockException(
          "block " + asked + " is damaged: the content that was sent does not hash to its id");
    }
    return new VerifiedBlock(asked, content, leaves);
  }
}
