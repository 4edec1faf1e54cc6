package io.mapfs.node;

import io.mapfs.client.ApplianceClient;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.overlay.FencedException;
import io.mapfs.core.overlay.JournalShipper;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
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
  private volatile boolean attached = true;
  private volatile FencedException fenced;

  WireJournalShipper(ApplianceClient client) {
    this.client = client;
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
  public CompletableFuture<Void> ship(JournalRecord record, List<ByteBuffer> pages) {
    if (fenced != null) {
      return CompletableFuture.failedFuture(fenced);
    }
    if (!attached) {
      return CompletableFuture.failedFuture(new IOException("no connection to the appliance"));
    }
    return client
        .append(record, pages)
        .handle(
            (appended, failure) -> {
              if (failure != null) {
                throw new CompletionException(refused(record, failure));
              }
              return null;
            });
  }

  private IOException refused(JournalRecord record, Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    String what = "record " + record.sequence() + " was not accepted: " + cause.getMessage();
    if (cause instanceof ApplianceException refusal && isFinal(refusal.code())) {
      fenced = new FencedException(what);
      return fenced;
    }
    return new IOException(what, cause);
  }

  /**
   * Whether sending again cannot help: another epoch is in force, or another record stands there.
   */
  private static boolean isFinal(FailureCode code) {
    return code == FailureCode.STALE_EPOCH || code == FailureCode.FORK || code == FailureCode.GAP;
  }
}
