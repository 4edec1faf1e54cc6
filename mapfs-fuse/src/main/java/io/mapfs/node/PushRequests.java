package io.mapfs.node;

import io.mapfs.client.PushHandler;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers what the appliance asks of a mounted node. */
final class PushRequests implements PushHandler {
  private static final Logger log = LoggerFactory.getLogger(PushRequests.class);

  private final MountBarrier barrier;
  private final WireJournalShipper shipper;
  private final LongConsumer quota;

  /**
   * @param quota takes a new quota in bytes, 0 for unlimited
   */
  PushRequests(MountBarrier barrier, WireJournalShipper shipper, LongConsumer quota) {
    this.barrier = barrier;
    this.shipper = shipper;
    this.quota = quota;
  }

  @Override
  public CompletableFuture<? extends Message> handle(Message request) {
    try {
      if (request instanceof Message.Barrier) {
        return CompletableFuture.completedFuture(new Message.Appended(barrier.await()));
      }
      if (request instanceof Message.Fence fence) {
        log.error(
            "fenced at epoch {}: {}; nothing more is acknowledged", fence.epoch(), fence.reason());
        shipper.fence(fence.reason());
        return CompletableFuture.completedFuture(new Message.Done());
      }
      if (request instanceof Message.ChangeQuota change) {
        log.info("the quota is {} bytes from now on (0: unlimited)", change.quotaBytes());
        quota.accept(change.quotaBytes());
        return CompletableFuture.completedFuture(new Message.Done());
      }
      throw new ApplianceException(FailureCode.INVALID, "a node does not answer this request");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return CompletableFuture.failedFuture(
          new ApplianceException(FailureCode.UNAVAILABLE, "the node is shutting down", e));
    } catch (IOException e) {
      return CompletableFuture.failedFuture(
          new ApplianceException(FailureCode.UNAVAILABLE, e.getMessage(), e));
    } catch (ApplianceException e) {
      return CompletableFuture.failedFuture(e);
    }
  }
}
