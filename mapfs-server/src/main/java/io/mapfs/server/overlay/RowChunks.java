package io.mapfs.server.overlay;

import java.io.IOException;

/**
 * Row versions at one sequence that are written chunk by chunk, because there may be more than fit
 * in memory. Nobody reads at that sequence until the last chunk brings the position.
 */
final class RowChunks implements AutoCloseable {
  private static final int CHUNK_ROWS = 4096;

  private final OverlayRows rows;
  private final long overlayId;
  private final long sequence;
  private final Retained retained;
  private RowBatch batch;
  private long count;

  RowChunks(OverlayRows rows, long overlayId, long sequence, Retained retained) {
    this.rows = rows;
    this.overlayId = overlayId;
    this.sequence = sequence;
    this.retained = retained;
    this.batch = new RowBatch(rows, overlayId, sequence, retained);
  }

  void put(RowKey key, Row row) throws IOException {
    batch.put(key, row);
    count++;
    if (batch.size() >= CHUNK_ROWS) {
      batch.write(false);
      batch.close();
      batch = new RowBatch(rows, overlayId, sequence, retained);
    }
  }

  /** The chunk that is still to be written. */
  RowBatch last() {
    return batch;
  }

  /** How many rows were put. */
  long count() {
    return count;
  }

  @Override
  public void close() {
    batch.close();
  }
}
