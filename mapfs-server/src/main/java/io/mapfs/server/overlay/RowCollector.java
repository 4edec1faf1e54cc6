package io.mapfs.server.overlay;

import io.mapfs.core.kv.KeyValueStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Removes versions of rows that no head, snapshot or pin can see any more. */
final class RowCollector {
  private static final int BATCH_ROWS = 4096;

  /** Most rows that are looked at under one hold of the fold lock. */
  private static final int SLICE_ROWS = 16_384;

  private final OverlayRows rows;
  private final long overlayId;
  private final Retained retained;
  private RowBatch batch;

  private RowCollector(OverlayRows rows, long overlayId, Retained retained) {
    this.rows = rows;
    this.overlayId = overlayId;
    this.retained = retained;
  }

  /**
   * Collects a slice. The caller holds the overlay's fold lock.
   *
   * @param after the row behind which to begin; {@code null} for the first
   * @return the last row of the slice; {@code null} if no more follow
   */
  static RowKey collect(OverlayRows rows, long overlayId, Retained retained, RowKey after)
      throws IOException {
    return new RowCollector(rows, overlayId, retained).run(after);
  }

  private RowKey run(RowKey after) throws IOException {
    batch = new RowBatch(rows, overlayId, 0, retained);
    try (KeyValueStore.Cursor cursor = rows.versions(overlayId, after)) {
      List<OverlayRows.Version> versions = new ArrayList<>();
      RowKey current = null;
      int seen = 0;
      boolean more = true;
      while (more) {
        more = cursor.next();
        if (current != null && !(more && current.isOf(cursor.key()))) {
          collectRow(current, versions);
          if (more && ++seen >= SLICE_ROWS) {
            batch.write(false);
            return current;
          }
          versions.clear();
          current = null;
        }
        if (more) {
          if (current == null) {
            current = RowKey.ofVersioned(cursor.key());
          }
          versions.add(
              new OverlayRows.Version(RowKey.sequence(cursor.key()), Row.decode(cursor.value())));
        }
      }
      batch.write(false);
      return null;
    } finally {
      batch.close();
    }
  }

  /** {@code versions}: newest first. A deletion with nothing older behind it says nothing. */
  private void collectRow(RowKey key, List<OverlayRows.Version> versions) throws IOException {
    boolean olderStays = false;
    for (int i = versions.size() - 1; i >= 0; i--) {
      OverlayRows.Version version = versions.get(i);
      boolean needed =
          i == 0
              || retained.needs(version.row(), version.sequence(), versions.get(i - 1).sequence());
      if (needed && (olderStays || !(version.row() instanceof Row.Gone))) {
        olderStays = true;
      } else {
        batch.drop(key, version);
        if (batch.size() >= BATCH_ROWS) {
          batch.write(false);
          batch.close();
          batch = new RowBatch(rows, overlayId, 0, retained);
        }
      }
    }
  }
}
