package io.mapfs.server.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.security.CertificateRequest;
import io.mapfs.core.security.Credential;
import io.mapfs.core.security.JoinToken;
import io.mapfs.core.security.Keys;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.server.FakeSession;
import io.mapfs.server.overlay.OverlayRows;
import io.mapfs.server.store.ApplianceStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A database lost its last writes, and looks like one that never had them: what they named stays,
 * is listed, and nothing takes its place or is removed beside it.
 */
final class LostRecordsTest {
  private static final long INO = NodeId.FIRST_OVERLAY_INO;

  @TempDir Path directory;
  private ApplianceRig rig;
  private TestTrees trees;

  @BeforeEach
  void importATree() throws Exception {
    rig = new ApplianceRig(directory);
    trees = TestTrees.of("debian").file("/first", "the first version's");
    rig.importTree(trees);
  }

  @AfterEach
  void close() throws Exception {
    rig.close();
  }

  private interface Act {
    void run() throws Exception;
  }

  /** Does something, and takes the control records of it away; returns these. */
  private FileCopies lose(Act act) throws Exception {
    Path control = rig.root.resolve("control");
    rig.close();
    FileCopies before = FileCopies.of(control);
    rig.open();
    act.run();
    rig.close();
    FileCopies lost = FileCopies.of(control);
    before.restore();
    rig.open();
    return lost;
  }

  private void restore(FileCopies lost) throws Exception {
    rig.close();
    lost.restore();
    rig.open();
    assertUnrecorded();
    rig.admin("store.sweep");
  }

  private static byte[] content(int seed, int length) {
    byte[] content = new byte[length];
    new Random(seed).nextBytes(content);
    return content;
  }

  private void assertUnrecorded(String... files) throws Exception {
    List<String> expected = new ArrayList<>();
    for (String file : files) {
      expected.add(rig.root.resolve(file).toString());
    }
    JsonArray listed = rig.admin("appliance.status").getAsJsonArray("unrecorded");
    assertEquals(expected, listed.asList().stream().map(file -> file.getAsString()).toList());
    JsonArray faults = rig.admin("version.verify").getAsJsonArray("faults");
    assertEquals(
        expected,
        faults.asList().stream()
            .map(fault -> fault.getAsJsonObject().get("where").getAsString())
            .toList());
    if (!expected.isEmpty()) {
      ApplianceException refused = rig.refused("store.sweep");
      assertEquals(FailureCode.CONFLICT, refused.code(), refused.getMessage());
      assertTrue(refused.getMessage().contains(expected.get(0)), refused.getMessage());
    }
  }

  // ---- cut files ----

  @Test
  void whateverIsCutOffTheDatabaseNothingElseIsRemoved() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    rig.reopen(); // From the log into tables.
    rig.importTree(trees.file("/second", "the second version's"));
    rig.admin("node.add", "node", "web02", "master", "debian");
    for (String node : List.of("web01", "web02")) {
      NodeWriter writer = rig.mount(node);
      writer.file(1, "own", INO, content(1, 9_000)).ship();
      writer.unmount();
      rig.admin("snapshot.create", "node", node, "name", "kept");
    }
    rig.close();
    FileCopies control = FileCopies.of(rig.root.resolve("control"));
    FileCopies treeFiles = FileCopies.of(rig.root.resolve("trees"));
    FileCopies overlays = FileCopies.of(rig.root.resolve("overlays"));
    FileCopies packs = FileCopies.of(rig.root.resolve("packs"));
    int opened = 0;
    int lost = 0;
    for (Map.Entry<Path, byte[]> file : control.contents().entrySet()) {
      String name = file.getKey().getFileName().toString();
      if (!name.startsWith("MANIFEST") && !name.endsWith(".log")) {
        continue;
      }
      for (int eighths = 0; eighths < 8; eighths++) {
        byte[] whole = file.getValue();
        Files.write(file.getKey(), Arrays.copyOf(whole, whole.length * eighths / 8));
        try {
          rig.open();
          opened++;
          lost += rig.admin("appliance.status").getAsJsonArray("unrecorded").isEmpty() ? 0 : 1;
          rig.close();
        } catch (ApplianceException e) {
          assertEquals(FailureCode.CORRUPT, e.code(), e.getMessage());
        }
        String what = name + " cut to " + eighths + "/8";
        assertKept(treeFiles, what);
        assertKept(overlays, what);
        assertKept(packs, what);
        control.restore();
      }
    }
    assertTrue(lost >= 3 && opened >= lost, lost + " of " + opened + " had lost records");
    rig.open();
    assertUnrecorded();
    for (String node : List.of("web01", "web02")) {
      assertEquals(1, rig.admin("node.show", "node", node).get("snapshots").getAsInt());
    }
  }

  private static void assertKept(FileCopies before, String what) throws IOException {
    Map<Path, byte[]> now = FileCopies.of(before.directory()).contents();
    for (Map.Entry<Path, byte[]> file : before.contents().entrySet()) {
      assertTrue(now.containsKey(file.getKey()), () -> what + ": gone: " + file.getKey());
      assertArrayEquals(file.getValue(), now.get(file.getKey()), () -> what + ": " + file.getKey());
    }
  }

  // ---- administrators and credentials ----

  /** Control records as those of a store that nobody has used yet. */
  private void loseAll() throws Exception {
    Path empty = directory.resolve("empty");
    ApplianceStore.init(empty);
    ApplianceStore.open(empty, Clock.systemUTC(), OverlayRows.TABLES).close();
    rig.close();
    FileCopies lost = FileCopies.of(rig.root.resolve("control"));
    for (Path file : lost.contents().keySet()) {
      Files.delete(file);
    }
    for (Map.Entry<Path, byte[]> file :
        FileCopies.of(empty.resolve("control")).contents().entrySet()) {
      Files.write(lost.directory().resolve(file.getKey().getFileName()), file.getValue());
    }
  }

  @Test
  void noAdministratorIsMadeInPlaceOfOneWhoseRecordWasLost() throws Exception {
    Path first = ApplianceStore.adminCredential(rig.root);
    byte[] credential = Files.readAllBytes(first);
    loseAll();
    ApplianceException refused = assertThrows(ApplianceException.class, rig::open);
    assertEquals(FailureCode.CORRUPT, refused.code(), refused.getMessage());
    assertTrue(refused.getMessage().contains("mapfs appliance recover"), refused.getMessage());
    assertEquals(1, refused.getMessage().lines().count());
    assertArrayEquals(credential, Files.readAllBytes(first));

    Path file = directory.resolve("alice.pem");
    AdministratorRecovery.run(rig.root, Clock.systemUTC(), "alice", file);
    assertThrows(
        ApplianceException.class,
        () -> AdministratorRecovery.run(rig.root, Clock.systemUTC(), "alice", file));
    rig.open();
    assertEquals("alice", Credential.load(file).identity().name());
    assertEquals(Map.of("alice", false), administrators());
    assertArrayEquals(credential, Files.readAllBytes(first));
    assertUnrecorded("trees/debian/1.tree");
    JsonObject act =
        rig.admin("audit.list").getAsJsonArray("acts").asList().stream()
            .map(each -> each.getAsJsonObject())
            .filter(each -> each.get("method").getAsString().equals("admin.recover"))
            .findFirst()
            .orElseThrow();
    assertEquals("DONE", act.get("result").getAsString());
  }

  /** A store that was made and never used lost nothing that anybody misses. */
  @Test
  void aNewStoreGetsItsFirstAdministrator() throws Exception {
    Path root = directory.resolve("new");
    ApplianceStore.init(root);
    ApplianceStore.open(root, Clock.systemUTC(), OverlayRows.TABLES).close(); // Cut off here.
    Appliance.open(root, Clock.systemUTC(), "test").close();
    assertTrue(Files.exists(ApplianceStore.adminCredential(root)));
  }

  @Test
  void revocationsOutliveTheirRecords() throws Exception {
    for (String name : List.of("alice", "bob")) {
      rig.admin("admin.add", "name", name, "request", request(name));
    }
    rig.admin("node.add", "node", "web01", "master", "debian");
    JsonObject token = rig.admin("token.create", "node", "web01");
    JsonObject unused = rig.admin("token.create", "node", "web01");
    lose(
        () -> {
          rig.admin("admin.revoke", "name", "alice");
          join(token);
          rig.admin("node.revoke", "node", "web01");
        });
    assertEquals(Map.of("admin", false, "alice", true, "bob", false), administrators());
    for (JsonObject each : List.of(token, unused)) {
      ApplianceException refused = assertThrows(ApplianceException.class, () -> join(each));
      assertEquals(FailureCode.DENIED, refused.code(), refused.getMessage());
    }
    join(rig.admin("token.create", "node", "web01"));
  }

  private void join(JsonObject created) throws Exception {
    JoinToken token = JoinToken.parse(created.get("token").getAsString());
    rig.admin(
        "node.join",
        "node",
        "web01",
        "tokenId",
        token.id(),
        "secret",
        token.secret(),
        "request",
        request("web01"));
  }

  private static String request(String name) {
    return CertificateRequest.make(Keys.generate(), name);
  }

  /** Names, and whether they were revoked. */
  private Map<String, Boolean> administrators() throws Exception {
    Map<String, Boolean> names = new TreeMap<>();
    for (JsonElement each : rig.admin("admin.list").getAsJsonArray("administrators")) {
      JsonObject administrator = each.getAsJsonObject();
      names.put(
          administrator.get("name").getAsString(),
          administrator.get("revokedMillis").getAsLong() != 0);
    }
    return names;
  }

  // ---- removing by name ----

  @Test
  void whatIsNamedIsRemovedAndNothingElse() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    lose(
        () -> {
          rig.importTree(trees.file("/second", "the second version's"));
          rig.admin("node.add", "node", "web02", "master", "debian");
          NodeWriter writer = rig.mount("web02");
          writer.file(1, "own", INO, content(1, 9_000)).ship();
          writer.unmount();
        });
    assertUnrecorded("trees/debian/2.tree", "overlays/web02");
    String tree = rig.root.resolve("trees/debian/2.tree").toString();
    String node = rig.root.resolve("overlays/web02").toString();
    for (String other :
        List.of(
            rig.root.resolve("trees/debian/1.tree").toString(),
            rig.root.resolve("overlays/web01").toString(),
            rig.root.resolve("overlays/../trees/debian/2.tree").toString(),
            rig.root.resolve("FORMAT").toString(),
            "2.tree")) {
      ApplianceException refused = rig.refused("unrecorded.remove", "file", other);
      assertEquals(FailureCode.NOT_FOUND, refused.code(), refused.getMessage());
    }
    assertTrue(Files.exists(rig.root.resolve("trees/debian/1.tree")));
    rig.admin("unrecorded.remove", "file", tree);
    assertUnrecorded("overlays/web02");
    rig.admin("unrecorded.remove", "file", node);
    assertUnrecorded();
    assertFalse(Files.exists(rig.root.resolve("overlays/web02")));
    rig.admin("store.sweep");
    List<String> removed =
        rig.admin("audit.list").getAsJsonArray("acts").asList().stream()
            .map(JsonElement::getAsJsonObject)
            .filter(act -> act.get("method").getAsString().equals("unrecorded.remove"))
            .filter(act -> act.get("result").getAsString().equals("DONE"))
            .map(act -> act.getAsJsonObject("parameters").get("file").getAsString())
            .toList();
    assertEquals(List.of(tree, node), removed);
    rig.admin("node.add", "node", "web02", "master", "debian");
  }

  // ---- versions ----

  @Test
  void aVersionsTreeStaysAndItsNumbersAreNotUsedAgain() throws Exception {
    FileCopies lost = lose(() -> rig.importTree(trees.file("/second", "the second version's")));
    assertUnrecorded("trees/debian/2.tree");
    FakeSession session = rig.administrator();
    JsonObject begun = rig.call(session, "import.begin", "master", "debian");
    assertEquals(1, begun.get("previousVersion").getAsInt());
    assertEquals(3, begun.get("version").getAsInt());
    assertTrue(begun.get("nextIno").getAsLong() > trees.ino("/second"), begun::toString);
    rig.disconnect(session);
    restore(lost);
    assertEquals(2, rig.admin("version.show", "master", "debian").get("version").getAsInt());
  }

  @Test
  void anAdministratorMayRemoveWhatHasNoRecord() throws Exception {
    lose(() -> rig.importTree(trees.file("/second", "the second version's")));
    assertEquals(3, rig.importTree(trees.file("/third", "3")).get("version").getAsInt());
    ApplianceException refused = rig.refused("version.delete", "master", "debian", "version", "1");
    assertTrue(refused.getMessage().contains("2.tree"), refused.getMessage());
    Files.delete(rig.root.resolve("trees/debian/2.tree"));
    assertUnrecorded();
    rig.admin("store.sweep");
    rig.admin("version.delete", "master", "debian", "version", "1");
  }

  @Test
  void aTreeThatCannotBeReadEndsNoImport() throws Exception {
    lose(() -> rig.importTree(trees.file("/second", "the second version's")));
    Path tree = rig.root.resolve("trees/debian/2.tree");
    byte[] whole = Files.readAllBytes(tree);
    Files.write(tree, Arrays.copyOf(whole, whole.length / 2));
    ApplianceException refused = rig.refused("import.begin", "master", "debian");
    assertEquals(FailureCode.CORRUPT, refused.code(), refused.getMessage());
    assertTrue(refused.getMessage().contains("move it away"), refused.getMessage());
    Files.move(tree, directory.resolve("2.tree"));
    FakeSession session = rig.administrator();
    JsonObject begun = rig.call(session, "import.begin", "master", "debian");
    assertEquals(2, begun.get("version").getAsInt());
    rig.disconnect(session);
  }

  @Test
  void ofImportsOnlyWhatIsUnfinishedIsRemoved() throws Exception {
    Path master = rig.root.resolve("trees/debian");
    Files.writeString(master.resolve("i7.part"), "unfinished");
    Files.writeString(master.resolve("1.tree.bak"), "an administrator's");
    rig.reopen();
    assertFalse(Files.exists(master.resolve("i7.part")));
    assertTrue(Files.exists(master.resolve("1.tree.bak")));
    assertUnrecorded();
  }

  // ---- overlays ----

  @Test
  void anOverlayStaysAndNoOtherNodeGetsIt() throws Exception {
    FileCopies lost =
        lose(
            () -> {
              rig.admin("node.add", "node", "web01", "master", "debian");
              NodeWriter writer = rig.mount("web01");
              writer.file(1, "own", INO, content(1, 9_000)).ship();
              writer.unmount();
            });
    assertUnrecorded("overlays/web01");
    ApplianceException refused = rig.refused("node.add", "node", "web01", "master", "debian");
    assertEquals(FailureCode.CONFLICT, refused.code(), refused.getMessage());
    assertTrue(refused.getMessage().contains("overlays/web01"), refused.getMessage());
    rig.admin("node.add", "node", "web02", "master", "debian");
    FakeSession other = rig.session("web02");
    assertEquals(0, new HeadReading(rig, other, "web02").inodes.size());
    rig.disconnect(other);
    rig.admin("node.remove", "node", "web02");
    restore(lost);
    assertFirstContentIsThere();
  }

  @Test
  void anEpochIsNotGivenOutAgain() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    long[] epoch = new long[1];
    lose(
        () -> {
          rig.mount("web01").unmount();
          NodeWriter writer = rig.mount("web01");
          epoch[0] = writer.opened.epoch();
          writer.file(1, "own", INO, content(1, 9_000)).ship();
          writer.unmount();
        });
    NodeWriter next = rig.mount("web01");
    assertTrue(next.opened.epoch() > epoch[0], next.opened::toString);
    next.unmount();
  }

  @Test
  void aRemovalThatWasCutShortIsCompleted() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    Path node = rig.root.resolve("overlays/.removed-web02/journal/0000000000000001.journal");
    Path tail = rig.root.resolve("overlays/web01/tails/.removed-t1/0000000000000001.journal");
    for (Path file : List.of(node, tail)) {
      Files.createDirectories(file.getParent());
      Files.writeString(file, "left");
    }
    rig.reopen();
    assertFalse(Files.exists(rig.root.resolve("overlays/.removed-web02")));
    assertFalse(Files.exists(tail.getParent()));
    assertUnrecorded();
  }

  @Test
  void rowsThatLostTheirLastAreNotTakenForTheOverlay() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    rig.close();
    FileCopies rows = FileCopies.of(rig.root.resolve("rows"));
    rig.open();
    NodeWriter writer = rig.mount("web01");
    for (int record = 0; record < 3; record++) {
      // So much that the journal is tidied up when it is folded.
      writer.file(1, "own" + record, INO + record, content(record, 4 << 20)).ship();
    }
    writer.unmount();
    rig.close();
    FileCopies whole = FileCopies.of(rig.root.resolve("rows"));
    rows.restore();
    rig.open();
    String fault = rig.admin("node.show", "node", "web01").get("fault").getAsString();
    assertTrue(fault.contains("lacks record 1,"), fault);
    rig.close();
    whole.restore();
    rig.open();
    FakeSession session = rig.session("web01");
    HeadReading head = new HeadReading(rig, session, "web01");
    assertArrayEquals(content(2, 4 << 20), head.content(INO + 2, null));
    rig.disconnect(session);
  }

  // ---- snapshots and late tails ----

  @Test
  void aSnapshotStaysReadable() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter first = rig.mount("web01");
    first.file(1, "own", INO, content(1, 9_000)).ship();
    first.unmount();
    FileCopies lost = lose(() -> rig.admin("snapshot.create", "node", "web01", "name", "before"));
    assertUnrecorded("overlays/web01/snapshots/s1.manifest");
    NodeWriter second = rig.mount("web01");
    second.write(INO, 0, content(2, 9_000)).ship();
    second.unmount();
    assertEquals("s2", rig.admin("snapshot.create", "node", "web01").get("id").getAsString());
    rig.admin("snapshot.delete", "node", "web01", "snapshot", "s2");
    restore(lost);
    rig.admin("rollback", "node", "web01", "snapshot", "before");
    assertFirstContentIsThere();
  }

  @Test
  void aLateTailStaysAndNoOtherIsMixedWithIt() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    rig.admin("node.fence", "node", "web01");
    Message.Append early = writer.file(1, "a", INO, content(1, 9_000)).seal();
    Message.Append later = writer.file(1, "b", INO + 1, content(2, 9_000)).seal();
    FileCopies lost = lose(() -> keepAside(early));
    assertUnrecorded("overlays/web01/tails/t1");
    Path journal = rig.root.resolve("overlays/web01/tails/t1/0000000000000001.journal");
    byte[] before = Files.readAllBytes(journal);
    keepAside(later);
    assertArrayEquals(before, Files.readAllBytes(journal));
    JsonArray tails = rig.admin("tail.list", "node", "web01").getAsJsonArray("tails");
    assertEquals("t2", tails.get(0).getAsJsonObject().get("id").getAsString());
    rig.admin("tail.drop", "node", "web01", "tail", "t2");
    restore(lost);
    JsonObject kept = rig.admin("tail.show", "node", "web01", "tail", "t1");
    assertEquals(1, kept.get("lastSequence").getAsLong(), kept::toString);
  }

  private void keepAside(Message.Append record) throws Exception {
    FakeSession session = rig.session("web01");
    rig.appliance.appendTail(session, new Message.AppendTail(record.record(), record.pages()));
    rig.disconnect(session);
  }

  private void assertFirstContentIsThere() throws Exception {
    FakeSession session = rig.session("web01");
    HeadReading head = new HeadReading(rig, session, "web01");
    assertArrayEquals(content(1, 9_000), head.content(INO, null));
    rig.disconnect(session);
  }
}
