package io.mapfs.server.overlay;

import io.mapfs.core.hash.Sha256;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Map;

/**
 * Changes of a head that no record makes: a rollback, the move to another version. Each takes one
 * sequence. The caller holds the fold lock and an epoch of its own ({@link OverlayLease#change}, or
 * before a grant).
 */
public final class HeadChanges {
  private final OverlayHead head;
  private final OverlayJournal journal;
  private final OverlayRows rows;
  private final long overlayId;
  private final Retained retained;

  HeadChanges(
      OverlayHead head,
      OverlayJournal journal,
      OverlayRows rows,
      long overlayId,
      Retained retained) {
    this.head = head;
    this.journal = journal;
    this.rows = rows;
    this.overlayId = overlayId;
    this.retained = retained;
  }

  /**
   * Makes the head equal to an older sequence, as a change of its own. Completed at the next open
   * if a crash cuts it short.
   *
   * @return how many rows changed
   */
  public long rollBack(HeadPosition.Forward forward) throws IOException {
    head.requireFoldLock();
    HeadPosition begun = head.position().withForward(forward);
    try (RowBatch batch = new RowBatch(rows, overlayId, begun.sequence(), retained)) {
      batch.position(begun);
      batch.write(true);
    }
    head.moved(begun);
    return complete();
  }

  /** Completes a rollback that was begun; returns how many rows changed. */
  long complete() throws IOException {
    HeadPosition position = head.position();
    HeadPosition.Forward forward = position.forward();
    long sequence = position.sequence() + 1;
    try (RowChunks chunks = new RowChunks(rows, overlayId, sequence, retained)) {
      rows.difference(
          overlayId,
          position.sequence(),
          forward.target(),
          (key, now, then) -> chunks.put(key, then == null ? Row.Gone.INSTANCE : then));
      move(
          chunks.last(),
          forward.version(),
          forward.epoch(),
          forward.entries(),
          forward.ownBytes(),
          rows.createdInodes(overlayId, forward.target()),
          position.nextIno(),
          position.nextCookie());
      return chunks.count();
    }
  }

  /** Changes rows, and the version that they stand on, as one. */
  public void rebase(
      Map<RowKey, Row> changed, int version, long epoch, long nextIno, long nextCookie)
      throws IOException {
    head.requireFoldLock();
    HeadPosition position = head.position();
    long sequence = position.sequence() + 1;
    try (RowBatch batch = new RowBatch(rows, overlayId, sequence, retained)) {
      for (Map.Entry<RowKey, Row> entry : changed.entrySet()) {
        batch.put(entry.getKey(), entry.getValue());
      }
      move(
          batch,
          version,
          epoch,
          position.entries() + batch.entriesDelta(),
          position.ownBytes() + batch.ownBytesDelta(),
          position.createdInodes() + batch.createdInodesDelta(),
          nextIno,
          nextCookie);
    }
  }

  private void move(
      RowBatch batch,
      int version,
      long epoch,
      long entries,
      long ownBytes,
      long createdInodes,
      long nextIno,
      long nextCookie)
      throws IOException {
    HeadPosition position = head.position();
    long sequence = position.sequence() + 1;
    HeadPosition moved =
        new HeadPosition(
            sequence,
            forwardHash(position.hash(), sequence, version, epoch),
            epoch,
            version,
            entries,
            ownBytes,
            nextIno,
            nextCookie,
            null,
            createdInodes);
    batch.position(moved);
    batch.write(true);
    head.moved(moved);
    journal.forwarded(moved);
  }

  /** What stands in the chain of hashes for a change that no record made. */
  private static byte[] forwardHash(byte[] previous, long sequence, int version, long epoch) {
    MessageDigest digest = Sha256.newDigest();
    digest.update("MapFS forward".getBytes(StandardCharsets.US_ASCII));
    digest.update(previous);
    digest.update(ByteBuffer.allocate(20).putLong(sequence).putInt(version).putLong(epoch).flip());
    return digest.digest();
  }
}
