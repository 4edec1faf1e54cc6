package io.mapfs.core.importer;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.LeafHashes;
import java.util.Arrays;

/** Cuts contents at fixed 128 KiB and hashes the pieces. */
final class BlockCutter {
  private static final byte[] ZEROS = new byte[BlockId.BLOCK_BYTES];

  private BlockCutter() {}

  /** The block with this content, or {@code null} where it is a hole: nothing but zeros. */
  static HashedBlock hash(int index, byte[] content) {
    if (Arrays.equals(content, 0, content.length, ZEROS, 0, content.length)) {
      return null;
    }
    return new HashedBlock(
        index, LeafHashes.id(LeafHashes.of(content, 0, content.length)), content);
  }

  /** Number of blocks of a file: refused where an index file cannot hold so many. */
  static int blockCount(long sizeBytes, String path) throws ImportException {
    long count = (sizeBytes + BlockId.BLOCK_BYTES - 1) / BlockId.BLOCK_BYTES;
    if (count > Integer.MAX_VALUE / BlockId.BYTES) {
      throw new ImportException(
          path + " is too large: a file may have 8 TiB, this one has " + sizeBytes + " bytes");
    }
    return (int) count;
  }

  /** Length of a block of a file of this size. */
  static int blockLength(int index, long sizeBytes) {
    return (int) Math.min(BlockId.BLOCK_BYTES, sizeBytes - (long) index * BlockId.BLOCK_BYTES);
  }
}
