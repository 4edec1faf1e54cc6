package io.mapfs.core.block;

/**
 * What a block store holds.
 *
 * @param blocks number of blocks
 * @param storedBytes their payloads as stored
 * @param rawBytes their contents
 */
public record BlockStatistics(long blocks, long storedBytes, long rawBytes) {
  static final BlockStatistics NONE = new BlockStatistics(0, 0, 0);

  BlockStatistics plus(BlockStatistics other) {
    return new BlockStatistics(
        blocks + other.blocks, storedBytes + other.storedBytes, rawBytes + other.rawBytes);
  }

  BlockStatistics minus(BlockStatistics other) {
    return new BlockStatistics(
        blocks - other.blocks, storedBytes - other.storedBytes, rawBytes - other.rawBytes);
  }

  BlockStatistics plusBlock(int moreStoredBytes, int moreRawBytes) {
    return new BlockStatistics(blocks + 1, storedBytes + moreStoredBytes, rawBytes + moreRawBytes);
  }
}
