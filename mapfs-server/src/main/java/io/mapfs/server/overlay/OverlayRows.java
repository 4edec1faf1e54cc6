package io.mapfs.server.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.kv.KeyValueStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * All overlays' rows, each in every version that something can still see. The newest version of a
 * row is the head's; a snapshot is a sequence number.
 *
 * <p>Tables: {@code rows} (see {@link RowKey} and {@link Row}), {@code positions} (overlay → {@link
 * HeadPosition}), {@code blocks} (overlay and block id → how many row versions name it).
 *
 * <p>Safe for concurrent use; writers of one overlay hold its fold lock.
 */
public final class OverlayRows {
  static final String ROWS = "rows";
  static final String POSITIONS = "positions";
  static final String BLOCKS = "blocks";

  /** What {@link io.mapfs.core.kv.KeyValueStore} must be opened with. */
  public static final List<String> TABLES = List.of(ROWS, POSITIONS, BLOCKS);

  private final KeyValueStore store;
  private final KeyValueStore.Table rows;
  private final KeyValueStore.Table positions;
  private final KeyValueStore.Table blocks;

  public OverlayRows(KeyValueStore store) {
    this.store = store;
    this.rows = store.table(ROWS);
    this.positions = store.table(POSITIONS);
    this.blocks = store.table(BLOCKS);
  }

  /** A row's version. */
  record Version(long sequence, Row row) {}

  /** Takes rows one by one. */
  public interface Visitor {
    /** Returns false to stop. */
    boolean visit(RowKey key, Row row) throws IOException;
  }

  /** Takes rows that differ; {@code null} stands for "none". */
  public interface DifferenceVisitor {
    void visit(RowKey key, Row before, Row after) throws IOException;
  }

  /** Where an overlay stands, or {@code null}. */
  HeadPosition position(long overlayId) throws IOException {
    byte[] value = store.get(positions, RowKey.overlayStart(overlayId));
    return value == null ? null : HeadPosition.decode(value);
  }

  /** Whether there are rows of an overlay of this number. */
  boolean isUsed(long overlayId) throws IOException {
    return store.get(positions, RowKey.overlayStart(overlayId)) != null;
  }

  /** The row as it was at a sequence, or {@code null}. */
  public Row get(RowKey key, long atSequence) throws IOException {
    Version version = version(key, atSequence);
    return version == null || version.row() instanceof Row.Gone ? null : version.row();
  }

  /** The row's newest version not after a sequence, deletions included, or {@code null}. */
  Version version(RowKey key, long atSequence) throws IOException {
    try (KeyValueStore.Cursor cursor =
        store.scan(rows, key.versioned(atSequence), key.versionsEnd())) {
      return cursor.next()
          ? new Version(RowKey.sequence(cursor.key()), Row.decode(cursor.value()))
          : null;
    }
  }

  /** The rows of one inode or directory at a sequence, in the order of their keys. */
  public void scanInode(long overlayId, byte kind, long ino, long atSequence, Visitor visitor)
      throws IOException {
    scan(
        RowKey.inodeStart(overlayId, kind, ino),
        RowKey.inodeStart(overlayId, kind, ino + 1),
        atSequence,
        visitor);
  }

  /** All rows of a kind at a sequence, in the order of their keys. */
  public void scanKind(long overlayId, byte kind, long atSequence, Visitor visitor)
      throws IOException {
    scan(
        RowKey.kindStart(overlayId, kind),
        RowKey.kindStart(overlayId, kind + 1),
        atSequence,
        visitor);
  }

  /** All rows of an overlay at a sequence; {@code after} is where to go on, or {@code null}. */
  void scanFrom(long overlayId, RowKey after, long atSequence, Visitor visitor) throws IOException {
    scan(start(overlayId, after), RowKey.overlayStart(overlayId + 1), atSequence, visitor);
  }

  private void scan(byte[] from, byte[] to, long atSequence, Visitor visitor) throws IOException {
    try (KeyValueStore.Cursor cursor = store.scan(rows, from, to)) {
      RowKey seen = null;
      while (cursor.next()) {
        byte[] key = cursor.key();
        if ((seen != null && seen.isOf(key)) || RowKey.sequence(key) > atSequence) {
          continue;
        }
        seen = RowKey.ofVersioned(key);
        Row row = Row.decode(cursor.value());
        if (!(row instanceof Row.Gone) && !visitor.visit(seen, row)) {
          return;
        }
      }
    }
  }

  /** How many inodes of the overlay's own range are there at a sequence. */
  long createdInodes(long overlayId, long atSequence) throws IOException {
    long[] count = {0};
    scan(
        RowKey.inodeStart(overlayId, RowKey.INODE, NodeId.FIRST_OVERLAY_INO),
        RowKey.kindStart(overlayId, RowKey.INODE + 1),
        atSequence,
        (key, row) -> {
          count[0] += NodeId.isOverlayIno(key.ino()) ? 1 : 0;
          return true;
        });
    return count[0];
  }

  /** The rows that differ between two sequences, in the order of their keys. */
  public void difference(
      long overlayId, long beforeSequence, long afterSequence, DifferenceVisitor visitor)
      throws IOException {
    try (KeyValueStore.Cursor cursor =
        store.scan(rows, RowKey.overlayStart(overlayId), RowKey.overlayStart(overlayId + 1))) {
      RowKey current = null;
      byte[] before = null;
      byte[] after = null;
      boolean more = true;
      while (more) {
        more = cursor.next();
        if (current != null && !(more && current.isOf(cursor.key()))) {
          report(current, before, after, visitor);
          current = null;
        }
        if (more) {
          byte[] key = cursor.key();
          if (current == null) {
            current = RowKey.ofVersioned(key);
            before = null;
            after = null;
          }
          long sequence = RowKey.sequence(key);
          if (before == null && sequence <= beforeSequence) {
            before = cursor.value();
          }
          if (after == null && sequence <= afterSequence) {
            after = cursor.value();
          }
        }
      }
    }
  }

  private static void report(RowKey key, byte[] before, byte[] after, DifferenceVisitor visitor)
      throws IOException {
    Row rowBefore = liveOrNull(before);
    Row rowAfter = liveOrNull(after);
    boolean same =
        (rowBefore == null || rowAfter == null)
            ? rowBefore == rowAfter
            : Arrays.equals(before, after);
    if (!same) {
      visitor.visit(key, rowBefore, rowAfter);
    }
  }

  private static Row liveOrNull(byte[] value) throws IOException {
    if (value == null) {
      return null;
    }
    Row row = Row.decode(value);
    return row instanceof Row.Gone ? null : row;
  }

  /** Whether a row version of the overlay names the block. */
  public boolean names(long overlayId, BlockId id) throws IOException {
    return store.get(blocks, blockKey(overlayId, id)) != null;
  }

  /** Tells every block that a row version of any overlay names. */
  public void forEachNamed(Consumer<BlockId> consumer) throws IOException {
    try (KeyValueStore.Cursor cursor = store.scan(blocks, new byte[0], null)) {
      while (cursor.next()) {
        consumer.accept(BlockId.take(ByteBuffer.wrap(cursor.key(), Long.BYTES, BlockId.BYTES)));
      }
    }
  }

  /** Whether a row version of the overlay takes content from that version of its master. */
  boolean inheritsFrom(long overlayId, int version) throws IOException {
    try (KeyValueStore.Cursor cursor =
        store.scan(
            rows,
            RowKey.kindStart(overlayId, RowKey.INODE),
            RowKey.kindStart(overlayId, RowKey.INODE + 1))) {
      while (cursor.next()) {
        if (Row.decode(cursor.value()) instanceof Row.Inode inode
            && inode.state().ownData()
            && inode.state().baseVersion() == version) {
          return true;
        }
      }
      return false;
    }
  }

  static byte[] blockKey(long overlayId, BlockId id) {
    ByteBuffer buffer = ByteBuffer.allocate(Long.BYTES + BlockId.BYTES).putLong(overlayId);
    return buffer.put(id.toBytes()).array();
  }

  /** How many row versions name the block, by its key. */
  int count(byte[] blockKey) throws IOException {
    byte[] value = store.get(blocks, blockKey);
    return value == null ? 0 : ByteBuffer.wrap(value).getInt();
  }

  /** Makes everything that was written survive a power cut. */
  void sync() throws IOException {
    store.flush();
  }

  /** Removes an overlay and all that it ever was. */
  void drop(long overlayId) throws IOException {
    byte[] from = RowKey.overlayStart(overlayId);
    byte[] to = RowKey.overlayStart(overlayId + 1);
    try (KeyValueStore.Batch batch = store.batch()) {
      batch.deleteRange(rows, from, to);
      batch.deleteRange(blocks, from, to);
      batch.delete(positions, from);
      store.write(batch, true);
    }
  }

  /** A walk over every version of every row of an overlay behind one, or from the first. */
  KeyValueStore.Cursor versions(long overlayId, RowKey after) throws IOException {
    return store.scan(rows, start(overlayId, after), RowKey.overlayStart(overlayId + 1));
  }

  private static byte[] start(long overlayId, RowKey after) {
    return after == null ? RowKey.overlayStart(overlayId) : after.versionsEnd();
  }

  KeyValueStore store() {
    return store;
  }

  KeyValueStore.Table rows() {
    return rows;
  }

  KeyValueStore.Table positions() {
    return positions;
  }

  KeyValueStore.Table blocks() {
    return blocks;
  }
}
