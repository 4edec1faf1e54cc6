package io.mapfs.node.cache;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.wire.Priority;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Where blocks come from that the cache does not have: the appliance. */
@FunctionalInterface
public interface BlockSource {
  /**
   * Asks for blocks; returns at once.
   *
   * @param ids at most {@link io.mapfs.core.wire.Limits#MAX_IDS}, none twice
   * @param priority {@link Priority#DEMAND} where a program waits, else {@link Priority#PREFETCH}
   * @return the blocks in the order asked, their payloads the cache's own; unverified. One that
   *     cannot be had fails all. May be completed on a thread that must not block; cancelled when
   *     the answer is no longer wanted.
   */
  CompletableFuture<List<StoredBlock>> fetch(ReadScope scope, List<BlockId> ids, Priority priority);
}
