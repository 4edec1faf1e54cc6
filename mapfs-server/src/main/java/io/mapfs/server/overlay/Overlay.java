package io.mapfs.server.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.Message;
import io.mapfs.server.Session;
import io.mapfs.server.overlay.JournalProtocol.Credit;
import io.mapfs.server.overlay.JournalProtocol.Measured;
import io.mapfs.server.store.Blocks;
import io.mapfs.server.store.ControlRecords.LeaseRecord;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** One node's overlay: its lease, its journal, its head. Safe for concurrent use. */
public final class Overlay implements Closeable {
  /**
   * What is granted beyond the quota, for what no node refuses itself: the page that a truncation
   * cuts, where it was a copy of the version's.
   */
  public static final long SLACK_BYTES = 1L << 20;

  private final String node;
  private final long overlayId;
  private final Blocks blocks;
  private final OverlayRows rows;
  private final OverlayJournal journal;
  private final OverlayHead head;
  private final HeadChanges changes;
  private final HeadPages pages;
  private final OverlayLease lease;
  private final Uploads uploads = new Uploads();

  /** What an overlay works with. */
  record Parts(
      Blocks blocks,
      ControlStore control,
      OverlayRows rows,
      FoldStaging.VersionTrees trees,
      Executor commits,
      Executor folds) {}

  /**
   * Opens an overlay, completing what a crash cut short.
   *
   * @param snapshots the sequences that are to stay readable
   * @throws IOException also if what was acknowledged is damaged
   */
  static Overlay open(NodeRecord node, Path journal, List<Long> snapshots, Parts parts)
      throws IOException {
    HeadPosition position = parts.rows().position(node.overlayId());
    if (position == null) {
      position = HeadPosition.fresh(node.version());
    } else if (position.createdInodes() == HeadPosition.NOT_COUNTED) {
      position =
          position.withCreatedInodes(
              parts.rows().createdInodes(node.overlayId(), position.sequence()));
    }
    LeaseRecord lease = parts.control().get(ControlTable.LEASES, node.name());
    JournalLog log = JournalLog.open(journal, node.overlayId(), position.sequence());
    try {
      // A lease's record that was lost must not have its epoch given out again.
      long epoch = Math.max(position.headEpoch(), log.lastEpoch());
      Overlay overlay = new Overlay(node, position, lease, epoch, log, snapshots, parts);
      overlay.head.completeRollback(overlay.changes);
      return overlay;
    } catch (IOException | RuntimeException e) {
      log.close();
      throw e;
    }
  }

  private Overlay(
      NodeRecord node,
      HeadPosition position,
      LeaseRecord found,
      long seenEpoch,
      JournalLog log,
      List<Long> snapshots,
      Parts parts) {
    this.node = node.name();
    this.overlayId = node.overlayId();
    this.blocks = parts.blocks();
    this.rows = parts.rows();
    Retained retained = new Retained();
    snapshots.forEach(retained::add);
    this.journal =
        new OverlayJournal(
            this.node,
            found == null ? seenEpoch : Math.max(seenEpoch, found.epoch()),
            position,
            found == null || found.grantedBytes() == 0
                ? grantedBytes(node.quotaBytes())
                : found.grantedBytes(),
            log,
            parts.blocks(),
            parts.commits(),
            this::scheduleFold,
            this::measure);
    this.head = new OverlayHead(this.node, overlayId, position, retained, journal, parts);
    this.changes = new HeadChanges(head, journal, rows, overlayId, retained);
    this.pages = new HeadPages(this.node, overlayId, head, rows, retained);
    this.lease = new OverlayLease(this.node, parts.control(), retained, journal, head);
    if (found != null) {
      lease.pin(found);
    }
  }

  private void scheduleFold() {
    head.scheduleFold();
  }

  /** What a quota grants; 0 for unlimited. */
  static long grantedBytes(long quotaBytes) {
    return quotaBytes == 0
        ? Credit.UNLIMITED
        : Math.min(quotaBytes, Credit.UNLIMITED - SLACK_BYTES) + SLACK_BYTES;
  }

  private Measured measure(JournalRecord record) throws ApplianceException {
    journal.awaitDurable();
    return head.withHead(
        position ->
            new Measured(
                position.sequence(),
                position.usedBytes(),
                position.usedBytes()
                    + new RecordUse(rows, overlayId, position.sequence(), blocks).bytes(record)));
  }

  public String node() {
    return node;
  }

  public long overlayId() {
    return overlayId;
  }

  public OverlayRows rows() {
    return rows;
  }

  public OverlayLease lease() {
    return lease;
  }

  public OverlayHead head() {
    return head;
  }

  public HeadChanges changes() {
    return changes;
  }

  public HeadPages pages() {
    return pages;
  }

  public OverlayJournal journal() {
    return journal;
  }

  /** Where the overlay stands: the epoch, the last durable record, and the rows behind it. */
  public record Standing(long epoch, long sequence, byte[] hash, HeadPosition position) {}

  public Standing standing() {
    OverlayJournal.Durable durable = journal.durable();
    return new Standing(durable.epoch(), durable.sequence(), durable.hash(), head.position());
  }

  /** Accepts or refuses a record; its pages are the overlay's until the future is done. */
  public CompletableFuture<Message.Appended> append(
      long number, JournalRecord record, List<ByteBuffer> recordPages) {
    return journal
        .append(number, record, recordPages)
        .thenApply(
            appended -> {
              uploads.named(record);
              return appended;
            });
  }

  /**
   * Admits blocks that the node uploads for its records to name.
   *
   * @throws ApplianceException NO_SPACE if they do not fit in what it was granted
   */
  public void admitUploads(List<StoredBlock> uploaded) throws ApplianceException {
    long granted = journal.state().credit().grantedBytes();
    if (granted != Credit.UNLIMITED) {
      uploads.admit(node, uploaded, granted - head.position().usedBytes());
    }
  }

  /** The store was swept. */
  public void swept() {
    uploads.swept();
  }

  /** Whether the node's own rows name the block. */
  public boolean names(BlockId id) throws IOException {
    return rows.names(overlayId, id);
  }

  /** Whether the head, or anything older that can still be read, takes from that version. */
  public boolean needs(int version) throws IOException, ApplianceException {
    return head.withHead(
        position -> position.version() == version || rows.inheritsFrom(overlayId, version));
  }

  /** A session is gone. */
  public void disconnect(Session session, long number) {
    lease.disconnect(number);
    pages.leave(session);
  }

  /** Closes the files and leaves the rows where they stand: the overlay is being removed. */
  void discard() throws IOException {
    head.discard();
  }

  /** Folds what is there and closes the files. Records that wait are not acknowledged. */
  @Override
  public void close() throws IOException {
    head.close();
  }
}
