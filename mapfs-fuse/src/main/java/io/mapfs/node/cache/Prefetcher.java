package io.mapfs.node.cache;

import io.mapfs.core.block.ReadScope;
import java.util.List;

/** Fetches blocks ahead of their use. Never waits, never fails. Safe for concurrent use. */
@FunctionalInterface
public interface Prefetcher {
  /**
   * Queues those of the blocks that are neither here nor on their way.
   *
   * @return how many of the hints, from the first on, were heard; the rest found the queue full
   */
  int prefetch(ReadScope scope, List<BlockHint> hints);
}
