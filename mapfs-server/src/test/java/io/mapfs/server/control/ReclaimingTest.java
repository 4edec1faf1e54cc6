package io.mapfs.server.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.Change;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.server.FakeSession;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Deleting versions, and what a sweep may take. */
final class ReclaimingTest {
  private static final long INO = NodeId.FIRST_OVERLAY_INO;

  @TempDir Path directory;
  private ApplianceRig rig;
  private TestTrees trees;

  @BeforeEach
  void open() throws Exception {
    rig = new ApplianceRig(directory);
    trees =
        TestTrees.of("debian").file("/old", bytes(1, 3_000_000)).file("/both", bytes(2, 100_000));
    rig.importTree(trees);
  }

  @AfterEach
  void close() throws Exception {
    rig.close();
  }

  private static byte[] bytes(int seed, int length) {
    byte[] content = new byte[length];
    new Random(seed).nextBytes(content);
    return content;
  }

  private void importSecond() throws Exception {
    trees.remove("/old").file("/new", bytes(3, 100_000));
    rig.importTree(trees);
  }

  private void refusedDeletion(String why) {
    ApplianceException refused = rig.refused("version.delete", "master", "debian", "version", "1");
    assertEquals(FailureCode.CONFLICT, refused.code(), refused.getMessage());
    assertTrue(refused.getMessage().contains(why), refused.getMessage());
  }

  private long storeBytes() throws Exception {
    return rig.admin("appliance.status").get("storeBytes").getAsLong();
  }

  @Test
  void aVersionStaysAsLongAsSomethingStandsOnIt() throws Exception {
    refusedDeletion("newest");
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    // A write to a file of version 1: the rest of it is version 1's for good.
    long both = trees.ino("/both");
    writer.add(new Change.PutInode(both, NodeWriter.ownData(1, 100_000, 100_000)));
    writer.page(both, 1, bytes(5, 4096)).ship();
    writer.session.answers = barrier -> new Message.Appended(writer.sequence);
    writer.unmount();
    importSecond();
    refusedDeletion("web01");
    rig.admin("node.update", "node", "web01", "to", "2");
    rig.mount("web01").unmount();
    assertEquals(2, rig.admin("node.show", "node", "web01").get("version").getAsInt());
    refusedDeletion("web01 has files that stand on it");
    rig.admin("node.remove", "node", "web01", "force", true);
    rig.admin("version.delete", "master", "debian", "version", "1");
    assertFalse(Files.exists(rig.root.resolve("trees/debian/1.tree")));
    assertEquals(
        FailureCode.NOT_FOUND,
        rig.refused("version.show", "master", "debian", "version", "1").code());
    rig.reopen();
    importThird();
  }

  private void importThird() throws Exception {
    trees.file("/third", bytes(4, 1000));
    assertEquals(3, rig.importTree(trees).get("version").getAsInt(), "numbers are not used again");
  }

  @Test
  void aSnapshotKeepsItsVersion() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    rig.admin("snapshot.create", "node", "web01", "name", "before");
    importSecond();
    rig.admin("node.update", "node", "web01", "to", "2");
    rig.mount("web01").unmount();
    refusedDeletion("snapshot s1 of web01");
    rig.admin("snapshot.delete", "node", "web01", "snapshot", "before");
    rig.admin("version.delete", "master", "debian", "version", "1");
  }

  @Test
  void aSweepGivesBackWhatOnlyTheDeletedVersionHad() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    writer.file(1, "mine", INO, bytes(7, 300_000)).ship();
    writer.unmount();
    importSecond();
    rig.admin("node.update", "node", "web01", "to", "2");
    NodeWriter moved = rig.mount("web01");
    rig.admin("version.delete", "master", "debian", "version", "1");
    long before = storeBytes();
    JsonObject swept = rig.admin("store.sweep");
    assertTrue(swept.get("freedBytes").getAsLong() > 2_900_000, swept::toString);
    assertTrue(storeBytes() < before - 2_900_000);
    assertEquals(0, rig.admin("version.verify").getAsJsonArray("faults").size());
    HeadReading head = new HeadReading(rig, moved.session, "web01");
    assertArrayEquals(bytes(7, 300_000), head.content(INO, null));
    TreeIndex tree = TreeIndex.open(rig.root.resolve("trees/debian/2.tree"));
    int slot = tree.slotOf(trees.ino("/both"));
    ReadScope scope = new ReadScope.Version("debian", 2);
    assertEquals(
        1,
        rig.appliance
            .getBlocks(moved.session, new Message.GetBlocks(scope, List.of(tree.block(slot, 0))))
            .blocks()
            .size());
    rig.reopen();
    assertEquals(0, rig.admin("version.verify").getAsJsonArray("faults").size());
    assertEquals(0, rig.admin("store.sweep").get("packs").getAsInt(), "nothing is left to sweep");
  }

  @Test
  void aSweepWaitsForNoImport() throws Exception {
    FakeSession session = rig.administrator();
    rig.call(session, "import.begin", "master", "debian");
    assertEquals(FailureCode.CONFLICT, rig.refused("store.sweep").code());
    rig.disconnect(session);
    rig.admin("store.sweep");
  }
}
