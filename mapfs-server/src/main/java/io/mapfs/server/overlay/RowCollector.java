package io.mapfs.server.overlay;

import io.mapfs.core.kv.KeyValueStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Removes versions of rows that no head, snapshot or pin can see any more. */
final class RowCollector {
  private static final int BATCH_ROWS = 4096;

  private final OverlayRows rows;
  private final long overlayId;
  private final Retained retained;
  private RowBatch batch;
  private long dropped;

  private RowCollector(OverlayRows rows, long overlayId, Retained retained) {
    this.rows = rows;
    this.overlayId = overlayId;
    this.retained = retained;
  }

  /** Returns how many it removed. The caller holds the overlay's fold lock. */
  static long collect(OverlayRows rows, long overlayId, Retained retained) throws IOException {
    return new RowCollector(rows, overlayId, retained).run();
  }

  private long run() throws IOException {
    batch = new RowBatch(rows, overlayId, 0, retained);
    try (KeyValueStore.Cursor cursor = rows.versions(overlayId)) {
      List<OverlayRows.Version> versions = new ArrayList<>();
      RowKey current = null;
      boolean more = true;
      while (more) {
        more = cursor.next();
        if (current != null && !(more && current.isOf(cursor.key()))) {
          collectRow(current, versions);
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
    } finally {
      batch.close();
    }
    return dropped;
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
        dropped++;
        if (batch.size() >= BATCH_ROWS) {
          batch.write(false);
          batch.close();
          batch = new RowBatch(rows, overlayId, 0, retained);
        }
      }
    }
  }
}
