package io.mapfs.server.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.kv.KeyValueStore;
import io.mapfs.core.rocks.RocksOptions;
import io.mapfs.core.rocks.RocksStore;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.server.FakeSession;
import io.mapfs.server.overlay.OverlayRows;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One overlay is damaged: it alone is out of use, and says so. */
final class DamagedOverlayTest {
  private static final long INO = NodeId.FIRST_OVERLAY_INO;
  private static final int FLIPS = 24;

  @TempDir Path directory;
  private ApplianceRig rig;

  @BeforeEach
  void writeTwoOverlays() throws Exception {
    rig = new ApplianceRig(directory);
    rig.importTree(TestTrees.of("debian").file("/etc/passwd", "root"));
    for (String node : new String[] {"web01", "web02"}) {
      rig.admin("node.add", "node", node, "master", "debian");
      NodeWriter writer = rig.mount(node);
      for (int i = 0; i < 3; i++) {
        writer.file(1, "f" + i, INO + i, content(i)).ship();
      }
      writer.unmount();
    }
    rig.admin("snapshot.create", "node", "web01", "name", "before");
    rig.close();
  }

  @AfterEach
  void close() throws Exception {
    rig.close();
  }

  private static byte[] content(int file) {
    byte[] content = new byte[10_000];
    new Random(file).nextBytes(content);
    return content;
  }

  @Test
  void aFlippedBitInAJournalHarmsNoOtherOverlay() throws Exception {
    Path journal;
    try (var files = Files.list(rig.root.resolve("overlays/web01/journal"))) {
      journal = files.findFirst().orElseThrow();
    }
    byte[] whole = Files.readAllBytes(journal);
    int faults = 0;
    for (int flip = 0; flip < FLIPS; flip++) {
      // The header first, then all over the file.
      int at = flip < 4 ? 4 * flip : (int) ((long) whole.length * flip / FLIPS);
      byte[] damaged = whole.clone();
      damaged[at] ^= (byte) (1 << (flip % 8));
      Files.write(journal, damaged);
      rig.open();
      if (rig.admin("node.show", "node", "web01").has("fault")) {
        faults++;
        assertOutOfUse("web01");
      } else {
        // The last record's frame, which is folded: nothing is lost with it.
        assertWhole("web01", 3);
      }
      assertWhole("web02", 3);
      rig.close();
    }
    // All but those in the last frame, or in a few bytes that mean nothing.
    assertTrue(faults > FLIPS / 2, faults + " faults");
    Files.write(journal, whole);
    rig.open();
    assertWhole("web01", 3);
  }

  @Test
  void aPositionThatCannotBeReadHarmsNoOtherOverlay() throws Exception {
    try (RocksStore rows =
            RocksStore.open(
                rig.root.resolve("rows"),
                RocksOptions.of(OverlayRows.TABLES.toArray(new String[0])));
        KeyValueStore.Batch batch = rows.batch()) {
      byte[] overlay = ByteBuffer.allocate(Long.BYTES).putLong(1).array();
      batch.put(rows.table("positions"), overlay, new byte[] {9, 9, 9});
      rows.write(batch, true);
    }
    rig.open();
    assertOutOfUse("web01");
    assertWhole("web02", 3);
    NodeWriter writer = rig.mount("web02");
    assertEquals(4, writer.file(1, "f3", INO + 3, content(3)).ship());
    rig.admin("node.remove", "node", "web01", "force", true);
    rig.admin("node.add", "node", "web01", "master", "debian");
    assertWhole("web01", 0);
  }

  private void assertOutOfUse(String node) throws Exception {
    JsonObject shown = rig.admin("node.show", "node", node);
    assertEquals("debian", shown.get("master").getAsString());
    assertFalse(shown.has("sequence"), shown::toString);
    String fault = shown.get("fault").getAsString();
    for (JsonElement listed : rig.admin("status").getAsJsonArray("nodes")) {
      JsonObject each = listed.getAsJsonObject();
      assertEquals(each.get("node").getAsString().equals(node), each.has("fault"));
    }
    FakeSession session = rig.session(node);
    Message.GetHead head = new Message.GetHead(node, new byte[0]);
    assertCorrupt(fault, () -> rig.appliance.getHead(session, head));
    assertCorrupt(fault, () -> rig.open(session, node, true));
    assertCorrupt(fault, () -> rig.appliance.getPosition(session, new Message.GetPosition(node)));
    assertCorrupt(fault, () -> rig.admin("snapshot.create", "node", node));
    assertCorrupt(fault, () -> rig.admin("rollback", "node", node, "snapshot", "before"));
    assertCorrupt(fault, () -> rig.admin("node.update", "node", node, "to", "latest"));
    rig.disconnect(session);
  }

  private interface Action {
    void run() throws Exception;
  }

  private static void assertCorrupt(String fault, Action action) {
    ApplianceException refused = assertThrows(ApplianceException.class, action::run);
    assertEquals(FailureCode.CORRUPT, refused.code(), refused.getMessage());
    assertTrue(refused.getMessage().contains(fault), refused.getMessage());
  }

  private void assertWhole(String node, int files) throws Exception {
    FakeSession session = rig.session(node);
    HeadReading head = new HeadReading(rig, session, node);
    assertEquals(files, head.inodes.size());
    for (int i = 0; i < files; i++) {
      assertArrayEquals(content(i), head.content(INO + i, null));
    }
    rig.disconnect(session);
  }
}
