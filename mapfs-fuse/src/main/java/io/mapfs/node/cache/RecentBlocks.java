package io.mapfs.node.cache;

import io.mapfs.core.block.BlockId;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/** The blocks that were fetched last, in memory; the least recently used go first. */
final class RecentBlocks {
  private final int limitBytes;

  // Guarded by this, both.
  private final Map<BlockId, VerifiedBlock> blocks = new LinkedHashMap<>(64, 0.75f, true);
  private long heapBytes;

  RecentBlocks(int limitBytes) {
    this.limitBytes = limitBytes;
  }

  synchronized VerifiedBlock get(BlockId id) {
    return blocks.get(id);
  }

  synchronized boolean contains(BlockId id) {
    return blocks.containsKey(id);
  }

  synchronized void put(VerifiedBlock block) {
    VerifiedBlock old = blocks.put(block.id(), block);
    heapBytes += block.heapBytes() - (old == null ? 0 : old.heapBytes());
    Iterator<VerifiedBlock> eldest = blocks.values().iterator();
    while (heapBytes > limitBytes) {
      heapBytes -= eldest.next().heapBytes();
      eldest.remove();
    }
  }
}
