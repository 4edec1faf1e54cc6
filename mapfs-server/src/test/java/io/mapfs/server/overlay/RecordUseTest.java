package io.mapfs.server.overlay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.hash.Sha256;
import io.mapfs.core.journal.CanonicalOrder;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.server.FakeSession;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a record is said to add is what it adds when it is folded. */
final class RecordUseTest {
  private static final String NODE = "web01";
  private static final long OVERLAY = 1;
  private static final long INO = NodeId.FIRST_OVERLAY_INO;
  private static final int FILES = 3;
  private static final int PAGES = 80;
  private static final int RECORDS = 300;

  @TempDir Path directory;
  private final Random random = new Random(7);
  private final Set<Long> there = new TreeSet<>();

  @Test
  void whatARecordIsSaidToAddIsWhatItAdds() throws Exception {
    Path root = directory.resolve("store");
    ApplianceStore.init(root);
    ApplianceStore store = ApplianceStore.open(root, Clock.systemUTC(), OverlayRows.TABLES);
    OverlayRows rows = new OverlayRows(store.rows());
    Overlay.Parts parts =
        new Overlay.Parts(
            store.blocks(),
            store.control(),
            rows,
            version -> {
              throw new IOException("there are no versions");
            },
            Runnable::run,
            Runnable::run);
    NodeRecord node = new NodeRecord(NODE, OVERLAY, "m", 1, 0, null, 0, 0, null, 0);
    long most = 0;
    try (Overlay overlay =
        Overlay.open(node, directory.resolve("journal"), null, List.of(), parts)) {
      long epoch =
          overlay.lease().open(new FakeSession(NODE), 1, "host", false, granted -> {}).epoch();
      byte[] previous = new byte[JournalRecord.HASH_BYTES];
      for (long sequence = 1; sequence <= RECORDS; sequence++) {
        List<ByteBuffer> pages = new ArrayList<>();
        JournalRecord record =
            new JournalRecord(NODE, epoch, sequence, previous, 0, changes(pages));
        previous = RecordCodec.hash(record);
        long before = used(overlay);
        long said = new RecordUse(rows, OVERLAY, sequence - 1, store.blocks()).bytes(record);
        assertTrue(said <= RecordUse.mostBytes(record), record::toString);
        overlay.append(1, record, pages).get(60, TimeUnit.SECONDS);
        assertEquals(before + said, used(overlay), "record " + sequence);
        most = Math.max(most, used(overlay));
      }
      HeadPosition position = overlay.standing().position();
      assertEquals(position.createdInodes(), rows.createdInodes(OVERLAY, RECORDS));
      assertEquals(there.size(), position.createdInodes());
    } finally {
      store.close();
    }
    assertTrue(most > PAGES * Change.PAGE_BYTES, "there was something to count");
  }

  private static long used(Overlay overlay) throws Exception {
    return overlay.head().withHead(HeadPosition::usedBytes);
  }

  /** Some changes of some files, in a record's order, and the pages that it writes. */
  private List<Change> changes(List<ByteBuffer> pages) {
    List<Change> changes = new ArrayList<>();
    Map<Long, Map<Long, byte[]>> written = new TreeMap<>();
    for (int file = 0; file < FILES; file++) {
      long ino = INO + file;
      if (random.nextInt(8) == 0 && there.remove(ino)) {
        changes.add(new Change.DropInode(ino));
      }
      if (random.nextBoolean()) {
        continue;
      }
      if (there.add(ino) || random.nextBoolean()) {
        changes.add(new Change.PutInode(ino, file()));
      }
      if (random.nextInt(3) == 0) {
        changes.add(new Change.TruncatePages(ino, random.nextInt(PAGES)));
      }
      if (random.nextInt(3) == 0) {
        long first = random.nextInt(PAGES - 1);
        changes.add(new Change.ZeroPages(ino, first, 1 + random.nextInt(PAGES - (int) first)));
      }
      for (int i = random.nextInt(3); i > 0; i--) {
        int first = random.nextInt(PAGES);
        int end = Math.min(PAGES, first + 1 + random.nextInt(40));
        for (long page = first; page < end; page++) {
          written.computeIfAbsent(ino, key -> new TreeMap<>()).put(page, page());
        }
      }
    }
    written.forEach(
        (ino, content) ->
            content.forEach(
                (page, bytes) -> {
                  changes.add(new Change.WritePages(ino, page, Sha256.of(bytes)));
                  pages.add(ByteBuffer.wrap(bytes));
                }));
    changes.sort(CanonicalOrder.INSTANCE);
    return changes;
  }

  private byte[] page() {
    byte[] bytes = new byte[Change.PAGE_BYTES];
    random.nextBytes(bytes);
    return bytes;
  }

  private static InodeState file() {
    FileTime time = new FileTime(1, 0);
    return new InodeState(
        FileType.REGULAR,
        true,
        true,
        true,
        0644,
        0,
        0,
        1,
        0,
        (long) PAGES * Change.PAGE_BYTES,
        time,
        time,
        time,
        time,
        null,
        0,
        0,
        0);
  }
}
