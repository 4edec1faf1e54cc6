package io.mapfs.server.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.Change;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.server.FakeSession;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records that come when their epoch is over. */
final class LateTailTest {
  private static final long INO = NodeId.FIRST_OVERLAY_INO;

  @TempDir Path directory;
  private ApplianceRig rig;
  private TestTrees trees;

  @BeforeEach
  void open() throws Exception {
    rig = new ApplianceRig(directory);
    trees = TestTrees.of("debian").file("/etc/passwd", "root").file("/etc/motd", "hello");
    rig.importTree(trees);
    rig.admin("node.add", "node", "web01", "master", "debian");
  }

  @AfterEach
  void close() throws Exception {
    rig.close();
  }

  private interface Action {
    void run() throws Exception;
  }

  private static void assertCode(FailureCode code, Action action) {
    ApplianceException refused = assertThrows(ApplianceException.class, action::run);
    assertEquals(code, refused.code(), refused.getMessage());
  }

  private void late(NodeWriter writer, Message.Append append) throws Exception {
    assertEquals(
        append.record().sequence(),
        rig.appliance
            .appendTail(writer.session, new Message.AppendTail(append.record(), append.pages()))
            .sequence());
  }

  private JsonArray tails() throws Exception {
    return rig.admin("tail.list", "node", "web01").getAsJsonArray("tails");
  }

  @Test
  void aFenceEndsTheLeaseUnderAnEpochThatOutlivesARestart() throws Exception {
    NodeWriter writer = rig.mount("web01");
    writer.file(1, "a", INO, new byte[10]).ship();
    JsonObject fenced = rig.admin("node.fence", "node", "web01");
    assertEquals(2, fenced.get("epoch").getAsLong());
    assertEquals("host-web01", fenced.get("host").getAsString());
    assertTrue(writer.session.pushed.get(0) instanceof Message.Fence);
    assertFalse(rig.admin("node.show", "node", "web01").has("mounted"));
    Message.Append late = writer.file(1, "b", INO + 1, new byte[10]).seal();
    assertCode(FailureCode.STALE_EPOCH, () -> writer.send(late));
    rig.reopen();
    FakeSession again = rig.session("web01");
    assertCode(
        FailureCode.STALE_EPOCH,
        () -> rig.appliance.resumeOverlay(again, new Message.ResumeOverlay("web01", 1)));
    assertEquals(3, rig.open(again, "web01", false).epoch());
  }

  @Test
  void aFenceThatAsksForTheChangesIsRefusedWithoutThem() throws Exception {
    NodeWriter writer = rig.mount("web01");
    writer.session.answers =
        barrier -> new Message.Failure(FailureCode.UNAVAILABLE, "a planted failure");
    assertEquals(
        FailureCode.UNAVAILABLE,
        rig.refused("node.fence", "node", "web01", "handOver", true).code());
    assertTrue(rig.admin("node.show", "node", "web01").has("mounted"));
    writer.session.answers = barrier -> new Message.Appended(writer.sequence);
    rig.admin("node.fence", "node", "web01", "handOver", true);
    assertTrue(writer.session.pushed.get(1) instanceof Message.Barrier);
    assertFalse(rig.admin("node.show", "node", "web01").has("mounted"));
  }

  @Test
  void whatComesTooLateIsKeptAsideAndNeverMerged() throws Exception {
    NodeWriter writer = rig.mount("web01");
    writer.file(1, "a", INO, new byte[10]).ship();
    rig.admin("node.fence", "node", "web01");
    NodeWriter other = rig.mount("web01");
    other.file(1, "other", INO + 9, new byte[5]).ship();

    assertEquals(
        1, rig.appliance.openTail(writer.session, new Message.OpenTail("web01", 1)).sequence());
    Message.Append second =
        writer
            .file(trees.ino("/etc"), "new", INO + 1, new byte[5000])
            .add(new Change.PutWhiteout(trees.ino("/etc"), Name.of("motd")))
            .seal();
    Message.Append third =
        writer
            .add(
                new Change.PutInode(
                    trees.ino("/etc/passwd"), NodeWriter.ownAttributes(FileType.REGULAR, 0600)))
            .seal();
    late(writer, second);
    late(writer, third);
    late(writer, second); // sent again after a lost answer
    assertEquals(1, tails().size());
    JsonObject tail = tails().get(0).getAsJsonObject();
    assertEquals("t1", tail.get("id").getAsString());
    assertEquals("host-web01", tail.get("host").getAsString());
    assertEquals(1, tail.get("epoch").getAsLong());
    assertEquals(2, tail.get("firstSequence").getAsLong());
    assertEquals(3, tail.get("lastSequence").getAsLong());
    assertEquals(1, rig.admin("node.show", "node", "web01").get("tails").getAsInt());

    rig.reopen();
    JsonObject shown = rig.admin("tail.show", "node", "web01", "tail", "t1");
    assertEquals(
        List.of("removed /etc/motd", "added /etc/new", "changed /etc/passwd"),
        shown.getAsJsonArray("changes").asList().stream()
            .map(
                change ->
                    change.getAsJsonObject().get("change").getAsString()
                        + " "
                        + change.getAsJsonObject().get("path").getAsString())
            .toList());
    HeadReading head = new HeadReading(rig, rig.session("web01"), "web01");
    assertEquals(List.of("1/a", "1/other"), List.copyOf(head.names.keySet()));

    JsonObject read = rig.admin("tail.read", "node", "web01", "tail", "t1");
    Path stored = rig.root.resolve("overlays/web01/tails/t1/0000000000000002.journal");
    assertArrayEquals(
        Files.readAllBytes(stored), Base64.getDecoder().decode(read.get("data").getAsString()));
    assertEquals(
        FailureCode.CONFLICT, rig.refused("node.remove", "node", "web01").code(), "it has a tail");
    rig.admin("tail.drop", "node", "web01", "tail", "t1");
    assertEquals(0, tails().size());
    assertFalse(Files.exists(stored));
    assertEquals(
        FailureCode.NOT_FOUND, rig.refused("tail.show", "node", "web01", "tail", "t1").code());
  }

  @Test
  void aTailThatDoesNotFollowIsAnother() throws Exception {
    NodeWriter writer = rig.mount("web01");
    Message.OverlayOpened opened = writer.opened;
    rig.admin("node.fence", "node", "web01");
    late(writer, writer.file(1, "a", INO, new byte[10]).seal());
    // As a copy of the machine's disk would have it: the same sequence, another record.
    NodeWriter copy = new NodeWriter(rig, writer.session, opened);
    late(copy, copy.file(1, "b", INO, new byte[10]).seal());
    late(writer, writer.file(1, "c", INO + 1, new byte[10]).seal());
    assertEquals(2, tails().size());
    assertEquals(2, tails().get(0).getAsJsonObject().get("lastSequence").getAsLong());
    assertEquals(1, tails().get(1).getAsJsonObject().get("lastSequence").getAsLong());
    rig.admin("node.remove", "node", "web01", "force", true);
    rig.admin("node.add", "node", "web01", "master", "debian");
    assertEquals(0, tails().size());
  }

  @Test
  void tailsAreTheNodesOwnAndVerified() throws Exception {
    rig.admin("node.add", "node", "web02", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    rig.admin("node.fence", "node", "web01");
    Message.Append late = writer.file(1, "a", INO, new byte[5000]).seal();
    FakeSession stranger = rig.session("web02");
    Message.AppendTail tail = new Message.AppendTail(late.record(), late.pages());
    assertCode(FailureCode.DENIED, () -> rig.appliance.appendTail(stranger, tail));
    assertCode(
        FailureCode.DENIED,
        () -> rig.appliance.openTail(stranger, new Message.OpenTail("web01", 1)));
    assertCode(FailureCode.DENIED, () -> rig.call(writer.session, "tail.list", "node", "web01"));
    late.pages().get(0).put(17, (byte) 42);
    assertCode(FailureCode.CORRUPT, () -> rig.appliance.appendTail(writer.session, tail));
    assertEquals(0, tails().size());
  }
}
