package io.mapfs.core.overlay;

import io.mapfs.core.journal.JournalRecord;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Takes sealed records to the appliance, in order. */
public interface JournalShipper {
  /**
   * Sends a record.
   *
   * @param record sealed; its sequence is one more than that of the last call
   * @param pages the bytes of its written pages, in the record's order; the shipper's until the
   *     result
   * @return done when the record is durable at the appliance; failed with an IOException if it is
   *     not (the caller keeps it and sends it again)
   */
  CompletableFuture<Void> ship(JournalRecord record, List<ByteBuffer> pages);

  /** Whether an fsync is to fail now instead of waiting. What was shipped fails then, too. */
  default boolean isWaitingInVain() {
    return false;
  }
}
