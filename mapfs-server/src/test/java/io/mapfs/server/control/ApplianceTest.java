package io.mapfs.server.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.Change;
import io.mapfs.core.tree.BootOrder;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.server.FakeSession;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The service, in-process, from import to rollback. */
final class ApplianceTest {
  private static final long INO = NodeId.FIRST_OVERLAY_INO;

  @TempDir Path directory;
  private ApplianceRig rig;
  private TestTrees trees;
  private byte[] large;

  @BeforeEach
  void open() throws Exception {
    rig = new ApplianceRig(directory);
    large = new byte[300_000];
    new Random(1).nextBytes(large);
    trees =
        TestTrees.of("debian")
            .file("/etc/passwd", "root")
            .file("/usr/lib/large", large)
            .file("/usr/lib/other", "other");
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

  @Test
  void servesTreeAndBlocksOfAVersion() throws Exception {
    JsonObject shown = rig.admin("version.show", "master", "debian");
    assertEquals(1, shown.get("version").getAsInt());
    rig.admin("node.add", "node", "web01", "master", "debian");
    FakeSession session = rig.session("web01");
    Message.TreeChunk chunk =
        rig.appliance.getTree(session, new Message.GetTree("debian", 1, 0, 1 << 20));
    assertEquals(shown.get("treeBytes").getAsLong(), chunk.totalBytes());
    Path copy = directory.resolve("copy.tree");
    Files.write(copy, chunk.data().array());
    TreeIndex tree = TreeIndex.open(copy);
    BlockId id = tree.block(tree.slotOf(trees.ino("/usr/lib/large")), 2);
    ReadScope scope = new ReadScope.Version("debian", 1);
    assertEquals(
        id,
        rig.appliance
            .getBlocks(session, new Message.GetBlocks(scope, List.of(id)))
            .blocks()
            .get(0)
            .id());
    BlockId guessed = new BlockId(1, 2, 3, 4);
    assertEquals(
        FailureCode.NOT_FOUND,
        assertThrows(
                ApplianceException.class,
                () ->
                    rig.appliance.getBlocks(
                        session, new Message.GetBlocks(scope, List.of(guessed))))
            .code());
    assertFalse(
        rig.appliance
            .haveBlocks(
                session, new Message.HaveBlocks(new ReadScope.Overlay("web01"), List.of(guessed)))
            .present()
            .get(0));
    assertEquals(
        FailureCode.DENIED,
        assertThrows(
                ApplianceException.class,
                () -> rig.appliance.getHead(session, new Message.GetHead("web02", new byte[0])))
            .code());
  }

  @Test
  void recordsBecomeTheHeadAndSurviveARestart() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    assertEquals(1, writer.opened.epoch());
    assertEquals(NodeId.FIRST_OVERLAY_INO, writer.opened.nextIno());
    byte[] content = bytes(2, 200_000);
    assertEquals(1, writer.file(1, "new", INO, content).ship());
    long etc = trees.ino("/etc");
    assertEquals(
        2,
        writer
            .add(new Change.PutWhiteout(etc, Name.of("passwd")))
            .add(new Change.PutInode(etc, NodeWriter.ownAttributes(FileType.DIRECTORY, 0700)))
            .ship());
    long ino = trees.ino("/usr/lib/large");
    byte[] page = bytes(3, 4096);
    writer.add(new Change.PutInode(ino, NodeWriter.ownData(1, large.length, large.length)));
    writer.page(ino, 33, page).ship();
    byte[] expected = large.clone();
    System.arraycopy(page, 0, expected, 33 * 4096, 4096);

    for (int round = 0; round < 2; round++) {
      HeadReading head = new HeadReading(rig, rig.session("web01"), "web01");
      assertEquals(3, head.sequence);
      assertArrayEquals(content, head.content(INO, null));
      TreeIndex base = TreeIndex.open(rig.root.resolve("trees/debian/1.tree"));
      assertArrayEquals(expected, head.content(ino, base));
      assertEquals(1, head.blocks.get(ino).size(), "one block of three was written");
      assertTrue(head.names.get(etc + "/passwd") instanceof Change.PutWhiteout);
      if (round == 0) {
        writer.unmount();
      }
      rig.reopen();
    }
    JsonObject shown = rig.admin("node.show", "node", "web01");
    assertEquals(4, shown.get("entries").getAsLong());
    assertEquals(3, shown.get("sequence").getAsLong());
    Message.OverlayOpened again = rig.mount("web01").opened;
    assertEquals(2, again.epoch());
    assertEquals(INO + 1, again.nextIno());
    assertArrayEquals(writer.hash, again.hash());
  }

  @Test
  void refusesForksGapsAndOldEpochs() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    Message.Append first = writer.file(1, "a", INO, bytes(1, 10)).seal();
    assertEquals(1, writer.send(first));
    assertEquals(1, writer.send(first), "a duplicate is acknowledged again");

    NodeWriter forked = new NodeWriter(rig, writer.session, writer.opened);
    Message.Append other = forked.file(1, "b", INO, bytes(2, 10)).seal();
    assertCode(FailureCode.FORK, () -> forked.send(other));
    Message.Append second = forked.file(1, "c", INO + 1, bytes(2, 10)).seal();
    assertCode(FailureCode.FORK, () -> forked.send(second));
    Message.Append third = forked.seal();
    assertCode(FailureCode.GAP, () -> forked.send(third));

    FakeSession usurper = rig.session("web01");
    ApplianceException held =
        assertThrows(ApplianceException.class, () -> rig.open(usurper, "web01", false));
    assertEquals(FailureCode.CONFLICT, held.code());
    assertTrue(held.getMessage().contains("host-web01"), held.getMessage());
    Message.OverlayOpened taken = rig.open(usurper, "web01", true);
    assertEquals(2, taken.epoch());
    assertTrue(writer.session.pushed.get(1) instanceof Message.Fence, "after a Ping");
    Message.Append late = writer.seal();
    assertCode(FailureCode.STALE_EPOCH, () -> writer.send(late));
    assertCode(
        FailureCode.STALE_EPOCH,
        () -> rig.appliance.resumeOverlay(writer.session, new Message.ResumeOverlay("web01", 1)));
    // The new holder's connection breaks; it goes on under the same epoch.
    rig.disconnect(usurper);
    FakeSession again = rig.session("web01");
    Message.OverlayPosition at =
        rig.appliance.resumeOverlay(again, new Message.ResumeOverlay("web01", 2));
    assertEquals(1, at.sequence());
    assertEquals(1, rig.appliance.getPosition(again, new Message.GetPosition("web01")).sequence());
  }

  @Test
  void aMachineThatComesBackDoesNotWaitForItsDeadConnection() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    Message.Append late = writer.file(1, "a", INO, bytes(1, 10)).seal();
    writer.session.close(); // and nobody noticed
    FakeSession elsewhere = rig.session("web01");
    assertCode(
        FailureCode.CONFLICT,
        () ->
            rig.appliance.openOverlay(
                elsewhere, new Message.OpenOverlay("web01", "another-host", false)));
    assertEquals(2, rig.open(rig.session("web01"), "web01", false).epoch());
    assertCode(FailureCode.STALE_EPOCH, () -> writer.send(late));
  }

  @Test
  void refusesPagesThatAreNotWhatTheRecordSays() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    Message.Append append = writer.file(1, "a", INO, bytes(1, 5000)).seal();
    append.pages().get(1).put(17, (byte) 42);
    assertCode(FailureCode.CORRUPT, () -> writer.send(append));
    append.pages().set(1, ByteBuffer.allocate(10));
    assertCode(FailureCode.CORRUPT, () -> writer.send(append));
    assertEquals(0, new HeadReading(rig, writer.session, "web01").sequence);
  }

  @Test
  void refusesBlocksThatTheNodeMayNotName() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    StoredBlock block = new BlockCodec().encode(ByteBuffer.wrap(bytes(9, 5000)));
    writer.add(new Change.PutInode(INO, NodeWriter.own(FileType.REGULAR, 0644, 5000, 0)));
    writer.add(new Change.PutBlock(INO, 0, block.id()));
    Message.Append append = writer.seal();
    assertCode(FailureCode.MISSING_BLOCK, () -> writer.send(append));
    rig.appliance.putBlocks(writer.session, new Message.PutBlocks(List.of(block)));
    assertEquals(1, writer.send(append));
    assertArrayEquals(
        bytes(9, 5000), new HeadReading(rig, writer.session, "web01").content(INO, null));
  }

  @Test
  void countsThePagesThatANodeWrote() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    long big = trees.ino("/usr/lib/large");
    writer.add(new Change.PutInode(big, NodeWriter.ownData(1, large.length, large.length)));
    writer.page(big, 1, bytes(5, 4096)).page(big, 40, bytes(6, 4096)).ship();
    assertEquals(2 * 4096, ownBytes(writer), "not the blocks around them");
    writer.add(new Change.ZeroPages(big, 1, 1)).ship();
    assertEquals(4096, ownBytes(writer));
  }

  private long ownBytes(NodeWriter writer) throws Exception {
    new HeadReading(rig, writer.session, "web01");
    return rig.admin("node.show", "node", "web01").get("ownBytes").getAsLong();
  }

  @Test
  void rollsBackAndUndoesIt() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    byte[] first = bytes(1, 150_000);
    writer.file(1, "a", INO, first).ship();
    writer.session.answers = barrier -> new Message.Appended(writer.sequence);
    JsonObject before = rig.admin("snapshot.create", "node", "web01", "name", "before");
    assertEquals("s1", before.get("id").getAsString());
    assertTrue(writer.session.pushed.get(0) instanceof Message.Barrier);
    writer.write(INO, 3, bytes(2, 4096)).ship();
    writer.file(1, "b", INO + 1, bytes(3, 10)).ship();
    writer.add(new Change.PutWhiteout(1, Name.of("etc"))).ship();
    assertEquals(
        FailureCode.CONFLICT,
        rig.refused("rollback", "node", "web01", "snapshot", "before").code());
    HeadReading wrecked = new HeadReading(rig, writer.session, "web01");
    writer.unmount();

    JsonObject done = rig.admin("rollback", "node", "web01", "snapshot", "before");
    assertEquals(5, done.get("sequence").getAsLong());
    assertEquals("s2", done.get("savedAs").getAsString());
    HeadReading head = new HeadReading(rig, rig.session("web01"), "web01");
    assertArrayEquals(first, head.content(INO, null));
    assertEquals(List.of("1/a"), List.copyOf(head.names.keySet()));
    JsonObject shown = rig.admin("node.show", "node", "web01");
    assertEquals(before.get("entries"), shown.get("entries"));
    assertEquals(before.get("ownBytes"), shown.get("ownBytes"));

    NodeWriter again = rig.mount("web01");
    assertEquals(5, again.opened.sequence());
    assertEquals(2, again.opened.headEpoch());
    assertEquals(INO + 2, again.opened.nextIno(), "numbers are not used again");
    assertEquals(6, again.file(1, "c", INO + 2, bytes(4, 10)).ship());
    again.unmount();
    rig.reopen();
    rig.admin("rollback", "node", "web01", "snapshot", "s2");
    HeadReading undone = new HeadReading(rig, rig.session("web01"), "web01");
    assertEquals(wrecked.names, undone.names);
    assertEquals(wrecked.blocks, undone.blocks);
    assertEquals(List.of("s1", "s2", "s3"), ids("web01"));
    rig.admin("snapshot.delete", "node", "web01", "snapshot", "before");
    assertTrue(
        rig.refused("snapshot.show", "node", "web01", "snapshot", "before")
            .getMessage()
            .contains("no snapshot"));
  }

  private List<String> ids(String node) throws Exception {
    return rig.admin("snapshot.list", "node", node).getAsJsonArray("snapshots").asList().stream()
        .map(snapshot -> snapshot.getAsJsonObject().get("id").getAsString())
        .toList();
  }

  @Test
  void listsWhatDiffersPathByPath() throws Exception {
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    writer.session.answers = barrier -> new Message.Appended(writer.sequence);
    rig.admin("snapshot.create", "node", "web01", "name", "before");
    long etc = trees.ino("/etc");
    long lib = trees.ino("/usr/lib");
    long usr = trees.ino("/usr");
    long passwd = trees.ino("/etc/passwd");
    // chmod, a write, a new directory with a file, a renamed directory, a removed file.
    writer.add(new Change.PutInode(passwd, NodeWriter.ownAttributes(FileType.REGULAR, 0600)));
    long big = trees.ino("/usr/lib/large");
    writer.add(new Change.PutInode(big, NodeWriter.ownData(1, large.length, large.length)));
    writer.page(big, 1, bytes(5, 4096));
    writer.directory(etc, "new dir", INO).file(INO, "a\\\u0001", INO + 1, bytes(6, 10));
    writer.ship();
    writer.add(new Change.PutWhiteout(usr, Name.of("lib")));
    writer.add(new Change.PutDentry(usr, Name.of("lib64"), lib, FileType.DIRECTORY, 77));
    writer.add(new Change.PutWhiteout(lib, Name.of("other"))).ship();
    assertEquals(
        List.of(
            "added /etc/new dir []",
            "added /etc/new dir/a\\\\\\x01 []",
            "changed /etc/passwd [mode, owner]",
            "removed /usr/lib/other []",
            "renamed /usr/lib64 [] from /usr/lib",
            "changed /usr/lib64/large [data, times]"),
        diff("before", "live"));
    rig.admin("snapshot.create", "node", "web01", "name", "after");
    assertEquals(List.of(), diff("after", "live"));
    assertEquals(
        List.of(
            "removed /etc/new dir []",
            "removed /etc/new dir/a\\\\\\x01 []",
            "changed /etc/passwd [mode, owner]",
            "renamed /usr/lib [] from /usr/lib64",
            "changed /usr/lib/large [data, times]",
            "added /usr/lib/other []"),
        diff("after", "before"));
    // rm -rf /etc, with nothing said of what was in it.
    writer.add(new Change.PutWhiteout(1, Name.of("etc"))).ship();
    assertEquals(
        List.of(
            "removed /etc []",
            "removed /etc/new dir []",
            "removed /etc/new dir/a\\\\\\x01 []",
            "removed /etc/passwd []"),
        diff("after", "live"));

    String text =
        rig.admin("snapshot.show", "node", "web01", "snapshot", "after", "manifest", true)
            .get("manifest")
            .getAsString();
    assertTrue(text.contains("whiteout " + usr + " \"lib\" \"/usr/lib\"\n"), text);
    assertTrue(text.contains("inode " + passwd + " regular \"/etc/passwd\""), text);
    Path file = rig.root.resolve("overlays/web01/snapshots/s2.manifest");
    byte[] manifest = Files.readAllBytes(file);
    manifest[manifest.length / 2] ^= 1;
    Files.write(file, manifest);
    ApplianceException damaged =
        rig.refused("snapshot.show", "node", "web01", "snapshot", "after", "manifest", true);
    assertEquals(FailureCode.CORRUPT, damaged.code(), damaged.getMessage());
  }

  private List<String> diff(String from, String to) throws Exception {
    return rig
        .admin("snapshot.diff", "node", "web01", "from", from, "to", to)
        .getAsJsonArray("changes")
        .asList()
        .stream()
        .map(element -> element.getAsJsonObject())
        .map(
            change ->
                change.get("change").getAsString()
                    + " "
                    + change.get("path").getAsString()
                    + " "
                    + change.getAsJsonArray("what").asList().stream()
                        .map(word -> word.getAsString())
                        .toList()
                    + (change.has("oldPath") ? " from " + change.get("oldPath").getAsString() : ""))
        .toList();
  }

  @Test
  void movesToANewVersionAndBack() throws Exception {
    trees
        .file("/opt/tool/bin", "one")
        .file("/opt/tool/conf", "one")
        .file("/etc/hosts", "one")
        .file("/etc/motd", "one")
        .file("/etc/issue", "one")
        .file("/srv/gone", "one")
        .link("/etc/issue.link", "/etc/issue");
    rig.importTree(trees);
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    long conf = trees.ino("/opt/tool/conf");
    long tool = trees.ino("/opt/tool");
    long etc = trees.ino("/etc");
    // Here: conf and hosts are chmodded, motd removed, a file is added in /opt/tool and in /etc.
    writer.add(new Change.PutInode(conf, NodeWriter.ownAttributes(FileType.REGULAR, 0600)));
    writer.add(
        new Change.PutInode(
            trees.ino("/etc/hosts"), NodeWriter.ownAttributes(FileType.REGULAR, 0600)));
    writer.add(new Change.PutWhiteout(etc, Name.of("motd")));
    writer.file(tool, "mine", INO, bytes(1, 10));
    writer.file(etc, "new", INO + 1, bytes(2, 10));
    writer.ship();
    writer.unmount();
    // There: /opt/tool goes, hosts and motd change, the same name comes, passwd changes.
    trees
        .remove("/opt/tool/bin")
        .remove("/opt/tool/conf")
        .remove("/opt/tool")
        .remove("/srv/gone")
        .file("/etc/hosts", "two!")
        .file("/etc/motd", "two!")
        .file("/etc/new", "two!")
        .file("/etc/passwd", "two!");
    rig.importTree(trees);

    JsonObject dry = rig.admin("node.update", "node", "web01", "to", "latest", "dryRun", true);
    List<String> expected =
        List.of(
            "both-changed /etc/hosts",
            "changed-and-removed /etc/motd",
            "added-on-both-sides /etc/new",
            "parent-removed /opt/tool",
            "removed-and-changed /opt/tool/conf");
    assertEquals(expected, conflicts(dry));
    assertFalse(dry.get("applied").getAsBoolean());
    assertEquals(0, rig.admin("node.show", "node", "web01").get("pendingVersion").getAsInt());
    assertEquals(expected, conflicts(rig.admin("node.update", "node", "web01", "to", "latest")));
    assertEquals(3, rig.admin("node.show", "node", "web01").get("pendingVersion").getAsInt());
    assertEquals(2, rig.admin("node.show", "node", "web01").get("version").getAsInt());

    NodeWriter moved = rig.mount("web01");
    assertEquals(3, moved.opened.version());
    assertEquals(2, moved.opened.headEpoch());
    assertEquals(2, moved.opened.sequence());
    HeadReading head = new HeadReading(rig, moved.session, "web01");
    assertEquals(0600, head.inodes.get(conf).permissions());
    assertEquals(2, head.inodes.get(conf).baseVersion(), "its content is still version 2's");
    assertEquals(3, head.inodes.get(conf).sizeBytes());
    assertEquals(1, head.inodes.get(conf).nlinkDelta());
    assertTrue(head.inodes.get(tool).ownAttributes());
    assertEquals(2, head.inodes.get(tool).nlinkDelta());
    assertEquals(1, head.inodes.get(trees.ino("/opt")).nlinkDelta(), "it has a subdirectory more");
    assertTrue(head.names.get(tool + "/conf") instanceof Change.PutDentry);
    assertTrue(head.names.get(trees.ino("/opt") + "/tool") instanceof Change.PutDentry);
    assertTrue(head.names.get(etc + "/motd") instanceof Change.PutWhiteout);
    moved.file(1, "later", INO + 2, bytes(3, 10)).ship();
    moved.unmount();

    assertEquals(
        List.of("both-changed /etc/hosts", "changed-and-removed /etc/motd"),
        conflicts(rig.admin("node.update", "node", "web01", "to", "2")).stream()
            .filter(conflict -> conflict.contains("/etc/hosts") || conflict.contains("motd"))
            .toList());
    NodeWriter back = rig.mount("web01");
    assertEquals(2, back.opened.version());
    HeadReading again = new HeadReading(rig, back.session, "web01");
    assertTrue(again.names.containsKey("1/later"));
    assertEquals(0600, again.inodes.get(conf).permissions());
    for (long counted : new long[] {conf, tool, trees.ino("/opt")}) {
      assertEquals(0, again.inodes.get(counted).nlinkDelta(), "the version counts it again");
    }
  }

  private static List<String> conflicts(JsonObject result) {
    return result.getAsJsonArray("conflicts").asList().stream()
        .map(element -> element.getAsJsonObject())
        .map(
            conflict ->
                conflict.get("kind").getAsString() + " " + conflict.get("path").getAsString())
        .toList();
  }

  @Test
  void keepsTheLastBootOrderOfAMaster() throws Exception {
    assertFalse(rig.admin("boot.get", "master", "debian").has("order"));
    for (int boot = 1; boot <= 2; boot++) {
      byte[] order = new BootOrder(List.of(new BootOrder.Run(boot, 0, 1))).encode();
      String text = Base64.getEncoder().encodeToString(order);
      rig.admin("boot.put", "master", "debian", "order", text);
      assertEquals(text, rig.admin("boot.get", "master", "debian").get("order").getAsString());
      order[7]++;
      String damaged = Base64.getEncoder().encodeToString(order);
      for (String bad : List.of(damaged, "no base64!", "", "A".repeat(400_000))) {
        assertEquals(
            FailureCode.INVALID, rig.refused("boot.put", "master", "debian", "order", bad).code());
      }
      assertEquals(text, rig.admin("boot.get", "master", "debian").get("order").getAsString());
    }
    assertEquals(FailureCode.NOT_FOUND, rig.refused("boot.get", "master", "other").code());
  }

  @Test
  void saysWhichNameWasMeant() {
    assertTrue(
        rig.refused("master.versions", "master", "debain").getMessage().contains("'debian'"));
    assertEquals(
        FailureCode.INVALID, rig.refused("node.add", "node", "a/b", "master", "debian").code());
    assertEquals(
        FailureCode.NOT_FOUND,
        rig.refused("node.add", "node", "a", "master", "debian", "version", "7").code());
  }

  @Test
  void anImportThatIsNotWholeLeavesNothing() throws Exception {
    trees.file("/etc/hosts", "localhost");
    TreeIndex tree = trees.build(directory);
    FakeSession session = rig.administrator();
    String id = rig.call(session, "import.begin", "master", "debian").get("importId").getAsString();
    assertEquals(FailureCode.CONFLICT, rig.refused("import.begin", "master", "debian").code());
    rig.putTree(session, id, tree);
    assertCode(FailureCode.MISSING_BLOCK, () -> rig.commit(session, id, tree));
    rig.disconnect(session);
    assertEquals(1, rig.admin("version.show", "master", "debian").get("version").getAsInt());
    assertArrayEquals(new String[] {"1.tree"}, rig.root.resolve("trees/debian").toFile().list());
    FakeSession again = rig.administrator();
    String next = rig.call(again, "import.begin", "master", "debian").get("importId").getAsString();
    rig.putBlocks(again, trees, tree);
    rig.putTree(again, next, tree);
    assertEquals(2, rig.commit(again, next, tree).get("version").getAsInt());
  }

  private interface Action {
    void run() throws Exception;
  }

  private static void assertCode(FailureCode code, Action action) {
    ApplianceException refused = assertThrows(ApplianceException.class, action::run);
    assertEquals(code, refused.code(), refused.getMessage());
  }
}
