package io.mapfs.core.block;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiPredicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Blocks that were found damaged where the index says they are. They count as absent, so that
 * whoever has their content stores them again; the copy in the pack stays, as it may be restored.
 * Safe for concurrent use.
 */
final class DamagedBlocks {
  private static final Logger LOG = LoggerFactory.getLogger(DamagedBlocks.class);

  private final PackIndex index;
  private final Map<BlockId, PackLocation> locations;

  DamagedBlocks(PackIndex index) throws IOException {
    this.index = index;
    this.locations = new ConcurrentHashMap<>(index.damaged());
  }

  /** Whether the copy there is known to be damaged. */
  boolean contains(BlockId id, PackLocation location) {
    return location.equals(locations.get(id));
  }

  void add(BlockId id, PackLocation location) {
    if (!location.equals(locations.put(id, location))) {
      LOG.warn("block {} in pack {} is damaged; it counts as absent now", id, location.pack());
      try {
        index.markDamaged(id, location);
      } catch (IOException e) {
        LOG.warn("block {} is found damaged again after the next start", id, e);
      }
    }
  }

  /** The index has forgotten the block. */
  void forget(BlockId id) {
    locations.remove(id);
  }

  /** The block was stored anew. */
  void remove(BlockId id) throws IOException {
    if (locations.remove(id) != null) {
      index.unmarkDamaged(id);
    }
  }

  /** Forgets those whose copy is whole after all. */
  void removeIf(BiPredicate<BlockId, PackLocation> whole) throws IOException {
    for (Map.Entry<BlockId, PackLocation> each : locations.entrySet()) {
      if (whole.test(each.getKey(), each.getValue())) {
        remove(each.getKey());
      }
    }
  }
}
