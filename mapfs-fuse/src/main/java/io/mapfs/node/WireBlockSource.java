package io.mapfs.node;

import io.mapfs.client.ApplianceClient;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Priority;
import io.mapfs.node.cache.BlockSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The block cache's source: the appliance. */
final class WireBlockSource implements BlockSource {
  private final ApplianceClient client;

  WireBlockSource(ApplianceClient client) {
    this.client = client;
  }

  @Override
  public CompletableFuture<List<StoredBlock>> fetch(
      ReadScope scope, List<BlockId> ids, Priority priority) {
    CompletableFuture<Message.Blocks> answer = client.getBlocks(scope, ids, priority);
    CompletableFuture<List<StoredBlock>> blocks = answer.thenApply(Message.Blocks::blocks);
    // The cache cancels what nobody waits for; thenApply alone would not tell the client.
    var unused =
        blocks.whenComplete(
            (ignored, failure) -> {
              if (blocks.isCancelled()) {
                answer.cancel(true);
              }
            });
    return blocks;
  }
}
