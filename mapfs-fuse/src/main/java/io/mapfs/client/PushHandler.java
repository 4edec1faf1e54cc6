package io.mapfs.client;

import io.mapfs.core.wire.Message;
import java.util.concurrent.CompletableFuture;

/** Answers what the appliance asks of a node: Barrier, Fence, ChangeQuota. */
@FunctionalInterface
public interface PushHandler {
  /**
   * Called on a thread of the client's that may block. The answer is sent when the result is done;
   * an ApplianceException (thrown in the future) is sent as a Failure.
   */
  CompletableFuture<? extends Message> handle(Message request);
}
