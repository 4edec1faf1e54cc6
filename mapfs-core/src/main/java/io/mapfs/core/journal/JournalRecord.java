package io.mapfs.core.journal;

import java.util.List;

/**
 * A sealed batch of changes: durable whole or not at all.
 *
 * @param node name of the node whose overlay this changes
 * @param epoch the lease's number under which the batch was sealed
 * @param sequence one more than the predecessor's; the first is 1
 * @param previousHash SHA-256 of the predecessor's encoding; zeros before the first
 * @param sealedMillis wall-clock time of sealing at the node, for people; nothing depends on it
 * @param changes in canonical order
 */
public record JournalRecord(
    String node,
    long epoch,
    long sequence,
    byte[] previousHash,
    long sealedMillis,
    List<Change> changes) {
  /** Bytes of a record's hash. */
  public static final int HASH_BYTES = 32;
}
