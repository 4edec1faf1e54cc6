package io.mapfs.node;

import io.mapfs.client.ApplianceClient;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.overlay.CatchUp;
import io.mapfs.core.overlay.FencedException;
import io.mapfs.core.overlay.JournalShipper;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Takes sealed records to the appliance, while this connection holds the overlay's lease.
 *
 * <p>Between a broken connection and the lease's resumption on the next one every record is refused
 * here; the overlay keeps it and tries again.
 */
final class WireJournalShipper implements JournalShipper {
  private final ApplianceClient client;
  private final boolean failsOnLoss;
  private volatile boolean attached = true;
  private volatile FencedException fenced;

  /**
   * @param failsOnLoss whether nobody is to wait while there is no connection
   */
  WireJournalShipper(ApplianceClient client, boolean failsOnLoss) {
    this.client = client;
    this.failsOnLoss = failsOnLoss;
  }

  void detach() {
    attached = false;
  }

  void attach() {
    attached = true;
  }

  /** The lease is gone for good. */
  void fence(String reason) {
    fenced = new FencedException(reason);
  }

  boolean isFenced() {
    return fenced != null;
  }

  @Override
  public boolean isWaitingInVain() {
    return failsOnLoss && !attached;
  }

  @Override
  public CompletableFuture<Void> ship(JournalRecord record, List<ByteBuffer> pages) {
    if (fenced != null) {
      return CompletableFuture.failedFuture(fenced);
    }
    if (!attached) {
      return CompletableFuture.failedFuture(new IOException("no connection to the appliance"));
    }
    CompletableFuture<Void> result = new CompletableFuture<>();
    CompletableFuture<Message.Appended> unused =
        client
            .append(record, pages)
            .whenComplete((appended, failure) -> answered(record, unwrapped(failure), result));
    return result;
  }

  private void answered(JournalRecord record, Throwable failure, CompletableFuture<Void> result) {
    if (failure instanceof ApplianceException refusal && refusal.code() == FailureCode.GAP) {
      askWhetherItStands(record, refusal, result);
    } else if (failure != null) {
      result.completeExceptionally(refused(record, failure));
    } else {
      result.complete(null);
    }
  }

  /**
   * The answer to an earlier attempt may have been lost, and the appliance cannot compare any more.
   */
  private void askWhetherItStands(
      JournalRecord record, ApplianceException refusal, CompletableFuture<Void> result) {
    CompletableFuture<Message.OverlayPosition> unused =
        client
            .getPosition(record.node())
            .whenComplete(
                (at, failure) -> {
                  if (failure == null
                      && CatchUp.stands(
                          record, RecordCodec.hash(record), at.epoch(), at.sequence(), at.hash())) {
                    result.complete(null);
                  } else {
                    result.completeExceptionally(refused(record, refusal));
                  }
                });
  }

  private IOException refused(JournalRecord record, Throwable cause) {
    String what = "record " + record.sequence() + " was not accepted: " + cause.getMessage();
    if (cause instanceof ApplianceException refusal && refusal.code().endsLease()) {
      fenced = new FencedException(what);
      return fenced;
    }
    return new IOException(what, cause);
  }

  private static Throwable unwrapped(Throwable failure) {
    return failure instanceof CompletionException ? failure.getCause() : failure;
  }
}
