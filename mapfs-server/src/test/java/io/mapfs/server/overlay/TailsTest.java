package io.mapfs.server.overlay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.mapfs.core.hash.Sha256;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TailsTest {
  private static final int PAGES = 8;
  private static final int RECORD_BYTES = PAGES * Change.PAGE_BYTES;

  @TempDir Path directory;

  @Test
  void whatLateTailsTakeIsBoundByTheQuota() throws Exception {
    Path root = directory.resolve("store");
    ApplianceStore.init(root);
    ApplianceStore store = ApplianceStore.open(root, Clock.systemUTC(), OverlayRows.TABLES);
    try (Overlays overlays = Overlays.open(store);
        Tails tails = new Tails(store, overlays, RECORD_BYTES)) {
      NodeRecord bound = node("web01", 1, RECORD_BYTES);
      JournalRecord first = record("web01", 1, new byte[32]);
      JournalRecord second = record("web01", 2, RecordCodec.hash(first));
      tails.append(bound, first, pages());
      ApplianceException refused =
          assertThrows(ApplianceException.class, () -> tails.append(bound, second, pages()));
      assertEquals(FailureCode.NO_SPACE, refused.code(), refused.getMessage());
      tails.append(bound, first, pages());
      assertEquals(1, tails.list(bound).get(0).lastSequence(), "what is there is there");
      tails.drop(bound, tails.list(bound).get(0));
      tails.append(bound, second, pages());

      NodeRecord unbound = node("web02", 2, 0);
      JournalRecord one = record("web02", 1, new byte[32]);
      tails.append(unbound, one, pages());
      tails.append(unbound, record("web02", 2, RecordCodec.hash(one)), pages());
      assertEquals(2, tails.list(unbound).get(0).lastSequence());
    } finally {
      store.close();
    }
  }

  private static NodeRecord node(String name, long overlayId, long quotaBytes) {
    return new NodeRecord(name, overlayId, "m", 1, 0, null, quotaBytes, 0, null, 0);
  }

  private static List<ByteBuffer> pages() {
    return List.of(ByteBuffer.allocate(RECORD_BYTES));
  }

  private static JournalRecord record(String node, long sequence, byte[] previousHash) {
    byte[] hash = Sha256.of(new byte[Change.PAGE_BYTES]);
    ByteBuffer hashes = ByteBuffer.allocate(PAGES * hash.length);
    while (hashes.hasRemaining()) {
      hashes.put(hash);
    }
    return new JournalRecord(
        node, 1, sequence, previousHash, 0, List.of(new Change.WritePages(1, 0, hashes.array())));
  }
}
