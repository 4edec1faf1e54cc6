package io.mapfs.node.cache;

import io.mapfs.core.block.BlockId;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The blocks that were fetched last, in memory. Those that were read to their end go first, the
 * kernel has their pages now; then those that wait longest to be read.
 */
final class RecentBlocks {
  /** What part of the memory blocks may keep that were read already. */
  private static final int READ_PART = 4;

  private final int limitBytes;

  // Guarded by this, all of these.
  private final Map<BlockId, VerifiedBlock> unread = new LinkedHashMap<>();
  private final Map<BlockId, VerifiedBlock> read = new LinkedHashMap<>();
  private long unreadBytes;
  private long readBytes;

  RecentBlocks(int limitBytes) {
    this.limitBytes = limitBytes;
  }

  synchronized VerifiedBlock get(BlockId id) {
    VerifiedBlock block = unread.get(id);
    return block == null ? read.get(id) : block;
  }

  synchronized boolean contains(BlockId id) {
    return get(id) != null;
  }

  synchronized void put(VerifiedBlock block) {
    if (!contains(block.id())) {
      unread.put(block.id(), block);
      unreadBytes += block.heapBytes();
      trim();
    }
  }

  /** The block was read to its end. */
  synchronized void wasRead(VerifiedBlock block) {
    VerifiedBlock here = unread.remove(block.id());
    if (here != null) {
      unreadBytes -= here.heapBytes();
      read.put(here.id(), here);
      readBytes += here.heapBytes();
      trim();
    }
  }

  private void trim() {
    Iterator<VerifiedBlock> eldest = read.values().iterator();
    while (eldest.hasNext()
        && (readBytes > limitBytes / READ_PART || unreadBytes + readBytes > limitBytes)) {
      readBytes -= eldest.next().heapBytes();
      eldest.remove();
    }
    eldest = unread.values().iterator();
    while (unreadBytes > limitBytes) {
      unreadBytes -= eldest.next().heapBytes();
      eldest.remove();
    }
  }
}
