package io.mapfs.server.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.seal.OverlayKey;
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
import io.mapfs.server.store.LockedException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One node's overlay: its lease, its journal, its head. Safe for concurrent use. */
public final class Overlay implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(Overlay.class);

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
  private final Executor folds;

  /** {@code null} if it is not encrypted. */
  private final HeldKey key;

  private final OwnBlocks own;
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
   * @param key its key, which need not be there yet; {@code null} if it is not encrypted
   * @param snapshots the sequences that are to stay readable
   * @throws IOException also if what was acknowledged is damaged
   */
  static Overlay open(NodeRecord node, Path journal, HeldKey key, List<Long> snapshots, Parts parts)
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
    JournalLog log = JournalLog.open(journal, node.overlayId(), position.sequence(), key);
    try {
      // A lease's record that was lost must not have its epoch given out again.
      long epoch = Math.max(position.headEpoch(), log.lastEpoch());
      Overlay overlay = new Overlay(node, position, lease, epoch, log, key, snapshots, parts);
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
      HeldKey key,
      List<Long> snapshots,
      Parts parts) {
    this.node = node.name();
    this.overlayId = node.overlayId();
    this.blocks = parts.blocks();
    this.rows = parts.rows();
    this.folds = parts.folds();
    this.key = key;
    this.own =
        key == null ? new PlainBlocks(blocks) : new SealedBlocks(overlayId, rows, blocks, key);
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
    this.head = new OverlayHead(this.node, overlayId, position, retained, journal, own, parts);
    this.changes = new HeadChanges(head, journal, rows, overlayId, retained);
    this.pages = new HeadPages(this.node, overlayId, head, rows, retained, own);
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
    return rows.names(overlayId, own.storedId(id));
  }

  /**
   * Blocks that the overlay or the version below it names, as they are sent, in the order asked
   * for.
   */
  public List<StoredBlock> blocks(List<BlockId> ids) throws IOException {
    return own.get(ids);
  }

  // ---- the key ----

  public boolean isEncrypted() {
    return key != null;
  }

  /** Whether nothing keeps its content from being read: no encryption, or the key is here. */
  public boolean isUnlocked() {
    return key == null || key.isHere();
  }

  /** A connection brings the key; what waited for it is folded. */
  public void unlock(long number, OverlayKey brought) {
    key.hold(number, brought);
    head.scheduleFold();
  }

  /**
   * Refuses a connection that did not bring the key of an encrypted overlay.
   *
   * @throws LockedException if it did not
   */
  public void requireUnlockedBy(long number) throws LockedException {
    if (key != null) {
      key.requireHeldBy(number);
    }
  }

  /** Forgets the key, whoever brought it: nothing can be read or written any more. */
  public void lock() {
    if (key != null) {
      key.forget();
    }
  }

  private void lockWhenFolded() {
    try {
      journal.awaitDurable();
      head.settle();
    } catch (ApplianceException e) {
      LOG.warn("{}: its key goes, though not all is folded", node, e);
    }
    key.forgetUnlessHeld();
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
    if (key != null && key.release(number)) {
      folds.execute(this::lockWhenFolded);
    }
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
