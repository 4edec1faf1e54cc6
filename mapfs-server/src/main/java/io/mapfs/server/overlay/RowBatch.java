package io.mapfs.server.overlay;

import io.mapfs.core.fs.NodeId;
import io.mapfs.core.kv.KeyValueStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * New versions of rows of one overlay, all at one sequence, and what they make superfluous: written
 * together or not at all. Belongs to the holder of the overlay's fold lock.
 */
final class RowBatch implements AutoCloseable {
  private final OverlayRows rows;
  private final long overlayId;
  private final long sequence;
  private final Retained retained;
  private final KeyValueStore.Batch batch;
  private final Map<ByteBuffer, Integer> namedBy = new HashMap<>();
  private long entriesDelta;
  private long ownBytesDelta;
  private long createdInodesDelta;

  RowBatch(OverlayRows rows, long overlayId, long sequence, Retained retained) {
    this.rows = rows;
    this.overlayId = overlayId;
    this.sequence = sequence;
    this.retained = retained;
    this.batch = rows.store().batch();
  }

  /**
   * The row is now this; {@link Row.Gone} to delete it. Put once a row.
   *
   * @return whether that is news: a row that was put at this sequence before (by a change that a
   *     crash cut short) is left alone
   */
  boolean put(RowKey key, Row row) throws IOException {
    OverlayRows.Version previous = rows.version(key, sequence);
    if (previous != null && previous.sequence() == sequence) {
      return false;
    }
    boolean leavesOlder = previous != null;
    if (previous != null) {
      count(key, previous.row(), -1);
      if (!retained.needs(previous.row(), previous.sequence(), sequence)) {
        drop(key, previous);
        leavesOlder = rows.version(key, previous.sequence() - 1) != null;
      }
    }
    if (!(row instanceof Row.Gone) || leavesOlder) {
      batch.put(rows.rows(), key.versioned(sequence), row.encode());
      name(row, 1);
    }
    count(key, row, 1);
    return true;
  }

  /** Removes a version that nothing can see. */
  void drop(RowKey key, OverlayRows.Version version) throws IOException {
    batch.delete(rows.rows(), key.versioned(version.sequence()));
    name(version.row(), -1);
  }

  private void count(RowKey key, Row row, int sign) {
    entriesDelta += row.isEntry() ? sign : 0;
    ownBytesDelta += sign * row.ownBytes();
    createdInodesDelta += row instanceof Row.Inode && NodeId.isOverlayIno(key.ino()) ? sign : 0;
  }

  private void name(Row row, int delta) {
    if (row instanceof Row.Block block) {
      namedBy.merge(
          ByteBuffer.wrap(OverlayRows.blockKey(overlayId, block.id())), delta, Integer::sum);
    }
  }

  /** By how much the number of live inode rows and whiteouts changes. */
  long entriesDelta() {
    return entriesDelta;
  }

  long ownBytesDelta() {
    return ownBytesDelta;
  }

  /** By how much the number of live inodes of the overlay's own range changes. */
  long createdInodesDelta() {
    return createdInodesDelta;
  }

  /** Changes so far. */
  int size() {
    return batch.count();
  }

  void position(HeadPosition position) throws IOException {
    batch.put(rows.positions(), RowKey.overlayStart(overlayId), position.encode());
  }

  void write(boolean durable) throws IOException {
    for (Map.Entry<ByteBuffer, Integer> entry : namedBy.entrySet()) {
      byte[] key = entry.getKey().array();
      int count = rows.count(key) + entry.getValue();
      if (count > 0) {
        batch.put(rows.blocks(), key, ByteBuffer.allocate(Integer.BYTES).putInt(count).array());
      } else {
        batch.delete(rows.blocks(), key);
      }
    }
    rows.store().write(batch, durable);
  }

  @Override
  public void close() {
    batch.close();
  }
}
