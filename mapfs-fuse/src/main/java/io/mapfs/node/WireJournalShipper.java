package io.mapfs.node;

import io.mapfs.client.ApplianceClient;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.overlay.JournalShipper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Takes sealed records to the appliance over the client's connection. */
final class WireJournalShipper implements JournalShipper {
  private final ApplianceClient client;

  WireJournalShipper(ApplianceClient client) {
    this.client = client;
  }

  @Override
  public CompletableFuture<Void> ship(JournalRecord record, List<ByteBuffer> pages) {
    return client
        .append(record, pages)
        .handle(
            (appended, failure) -> {
              if (failure != null) {
                throw new CompletionException(
                    new IOException(
                        "record "
                            + record.sequence()
                            + " was not accepted: "
                            + failure.getMessage(),
                        failure));
              }
              return null;
            });
  }
}
