package io.mapfs.server.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Protocol;
import io.mapfs.server.FakeSession;
import io.mapfs.server.overlay.Overlay;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an overlay was granted, and nodes that take more. */
final class GrantTest {
  private static final long INO = NodeId.FIRST_OVERLAY_INO;
  private static final int PAGE = Change.PAGE_BYTES;
  private static final int QUOTA_PAGES = 64;
  private static final int PAGES = QUOTA_PAGES + (int) (Overlay.SLACK_BYTES / PAGE);

  @TempDir Path directory;
  private ApplianceRig rig;
  private TestTrees trees;

  @BeforeEach
  void open() throws Exception {
    rig = new ApplianceRig(directory);
    trees = TestTrees.of("debian").file("/etc/passwd", "root").file("/large", bytes(1, 300_000));
    rig.importTree(trees);
    rig.admin("node.add", "node", "web01", "master", "debian", "quotaBytes", QUOTA_PAGES * PAGE);
    rig.admin("node.add", "node", "web02", "master", "debian", "quotaBytes", QUOTA_PAGES * PAGE);
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

  private interface Action {
    void run() throws Exception;
  }

  private static ApplianceException assertRefused(Action action) {
    ApplianceException refused = assertThrows(ApplianceException.class, action::run);
    assertEquals(FailureCode.NO_SPACE, refused.code(), refused.getMessage());
    return refused;
  }

  private JsonObject shown(String node) throws Exception {
    return rig.admin("node.show", "node", node);
  }

  /** Once everything is folded. */
  private long usedBytes(NodeWriter writer) throws Exception {
    new HeadReading(rig, writer.session, "web01");
    return shown("web01").get("usedBytes").getAsLong();
  }

  /** A file of so many pages, less one for the inodes, fills the grant to the last page. */
  private NodeWriter fill(String node) throws Exception {
    NodeWriter writer = rig.mount(node);
    writer.file(1, "full", INO, bytes(2, (PAGES - 1) * PAGE)).ship();
    return writer;
  }

  /** Goes on after a record that was refused, with another in its place. */
  private NodeWriter instead(NodeWriter writer, Message.Append refused) {
    NodeWriter other = new NodeWriter(rig, writer.session, writer.opened);
    other.sequence = refused.record().sequence() - 1;
    other.hash = refused.record().previousHash();
    return other;
  }

  @Test
  void aNodeThatTakesMoreIsStoppedAndNobodyElse() throws Exception {
    NodeWriter greedy = fill("web01");
    Message.Append more = greedy.write(INO, PAGES - 1, bytes(3, 2 * PAGE)).seal();
    ApplianceException refused = assertRefused(() -> greedy.send(more));
    assertTrue(refused.getMessage().contains("granted"), refused.getMessage());
    assertRefused(() -> greedy.send(more));
    Message.Append next = greedy.write(INO, 0, bytes(4, PAGE)).seal();
    ApplianceException behind = assertThrows(ApplianceException.class, () -> greedy.send(next));
    assertEquals(FailureCode.GAP, behind.code(), "nothing gets past it");
    String fault = shown("web01").get("fault").getAsString();
    assertTrue(fault.contains("granted"), fault);

    HeadReading head = new HeadReading(rig, greedy.session, "web01");
    assertEquals(1, head.sequence);
    assertArrayEquals(bytes(2, (PAGES - 1) * PAGE), head.content(INO, null), "still readable");
    assertFalse(shown("web02").has("fault"));
    assertEquals(1, fill("web02").sequence);

    // It comes to its senses.
    NodeWriter tidy = instead(greedy, more);
    tidy.add(new Change.TruncatePages(INO, 10));
    tidy.add(new Change.PutInode(INO, NodeWriter.own(FileType.REGULAR, 0644, 10 * PAGE, 0))).ship();
    assertFalse(shown("web01").has("fault"));
    tidy.write(INO, PAGES - 1, bytes(3, 2 * PAGE)).ship();
  }

  @Test
  void aHigherQuotaHoldsAtOnce() throws Exception {
    NodeWriter writer = fill("web01");
    Message.Append more = writer.file(1, "more", INO + 1, bytes(3, 2 * PAGE)).seal();
    assertRefused(() -> writer.send(more));
    JsonObject updated = quota(2 * QUOTA_PAGES);
    assertEquals(QUOTA_PAGES * PAGE, updated.get("formerQuotaBytes").getAsLong());
    assertTrue(updated.get("mounted").getAsBoolean());
    assertTrue(updated.get("told").getAsBoolean());
    assertEquals(
        List.of(new Message.ChangeQuota("web01", 2L * QUOTA_PAGES * PAGE)), writer.session.pushed);
    assertEquals(2L * QUOTA_PAGES * PAGE, shown("web01").get("quotaBytes").getAsLong());
    writer.send(more);
    assertFalse(shown("web01").has("fault"));

    // And is granted still after a restart, to the lease that goes on.
    rig.reopen();
    NodeWriter after = resumed(writer);
    after.file(1, "last", INO + 2, bytes(5, (QUOTA_PAGES - 3) * PAGE)).ship();
    Message.Append beyond = after.file(1, "beyond", INO + 3, bytes(6, 3 * PAGE)).seal();
    assertRefused(() -> after.send(beyond));
  }

  /** What a node has applied under its lease is taken, whatever its quota became meanwhile. */
  @Test
  void aLowerQuotaHoldsFromTheNextMountOn() throws Exception {
    NodeWriter writer = rig.mount("web01");
    writer.file(1, "file", INO, bytes(2, 10 * PAGE)).ship();
    writer.session.answers = message -> new Message.Failure(FailureCode.UNAVAILABLE, "not now");
    JsonObject updated = quota(4);
    assertFalse(updated.get("told").getAsBoolean());
    assertTrue(updated.get("mounted").getAsBoolean());
    writer.file(1, "other", INO + 1, bytes(3, (PAGES - 20) * PAGE)).ship();
    rig.reopen();
    NodeWriter tail = resumed(writer);
    tail.file(1, "third", INO + 2, bytes(4, 5 * PAGE)).ship();
    assertEquals(
        List.of(new Message.ChangeQuota("web01", 4L * PAGE)),
        tail.session.pushed,
        "told when it is there again");
    tail.unmount();

    NodeWriter next = rig.mount("web01");
    assertEquals(4L * PAGE, next.opened.quotaBytes());
    int slack = (int) (Overlay.SLACK_BYTES / PAGE);
    Message.Append more = next.file(1, "more", INO + 3, bytes(5, 10 * PAGE)).seal();
    assertRefused(() -> next.send(more));
    NodeWriter tidy = instead(next, more);
    tidy.write(INO, 0, bytes(6, 10 * PAGE)).ship();
    tidy.add(new Change.DropInode(INO + 1)).add(new Change.DropInode(INO + 2)).ship();
    tidy.unmount();

    NodeWriter last = rig.mount("web01");
    Message.Append again = last.file(1, "again", INO + 4, bytes(7, slack * PAGE)).seal();
    assertRefused(() -> last.send(again));
  }

  @Test
  void aQuotaIsTakenAwayAndAnOlderNodeHearsOfItAtItsNextMount() throws Exception {
    NodeWriter writer = fill("web01");
    writer.session.features = Protocol.FEATURE_TAILS | Protocol.FEATURE_OWN_PAGES;
    assertFalse(quota(0).get("told").getAsBoolean());
    assertEquals(List.of(), writer.session.pushed);
    writer.unmount();
    assertFalse(quota(0).get("mounted").getAsBoolean());
    NodeWriter next = rig.mount("web01");
    assertEquals(0, next.opened.quotaBytes());
    next.write(INO, PAGES, bytes(3, PAGES * PAGE)).ship();
    assertEquals(
        FailureCode.INVALID,
        rig.refused("node.update", "node", "web01", "quotaBytes", 5, "dryRun", true).code());
    assertEquals(
        FailureCode.INVALID, rig.refused("node.update", "node", "web01", "quotaBytes", -2).code());
    assertEquals(
        FailureCode.NOT_FOUND, rig.refused("node.update", "node", "no", "quotaBytes", 5).code());
  }

  private JsonObject quota(long pages) throws Exception {
    return rig.admin("node.update", "node", "web01", "quotaBytes", pages * PAGE);
  }

  /** The same machine, on a new connection. */
  private NodeWriter resumed(NodeWriter former) throws Exception {
    FakeSession session = rig.session("web01");
    rig.appliance.resumeOverlay(session, new Message.ResumeOverlay("web01", former.opened.epoch()));
    NodeWriter writer = new NodeWriter(rig, session, former.opened);
    writer.sequence = former.sequence;
    writer.hash = former.hash;
    return writer;
  }

  @Test
  void theLastPageIsGrantedAndWhatIsOwnedIsWrittenAgain() throws Exception {
    NodeWriter writer = fill("web01");
    // The file's inode takes a part of the last page.
    assertEquals((PAGES - 1L) * PAGE + InodeState.QUOTA_BYTES, usedBytes(writer));
    for (int round = 0; round < 5; round++) {
      writer.write(INO, 0, bytes(round, (PAGES - 1) * PAGE)).ship();
    }
    Message.Append page = writer.write(INO, PAGES - 1, bytes(9, PAGE)).seal();
    assertRefused(() -> writer.send(page));
    NodeWriter careful = instead(writer, page);
    int inodes = PAGE / InodeState.QUOTA_BYTES - 1;
    for (int i = 0; i < inodes; i++) {
      careful.file(1, "empty" + i, INO + 1 + i, new byte[0]);
    }
    careful.ship();
    assertEquals((long) PAGES * PAGE, usedBytes(careful));
    Message.Append inode = careful.file(1, "one more", INO + 100, new byte[0]).seal();
    assertRefused(() -> careful.send(inode));
    // What goes and what comes in one record count together.
    NodeWriter exchange = instead(careful, inode);
    exchange.add(new Change.DropInode(INO)).add(new Change.DropDentry(1, Name.of("full")));
    exchange.file(1, "instead", INO + 100, bytes(5, (PAGES - 1) * PAGE)).ship();
    assertEquals((long) PAGES * PAGE, usedBytes(exchange));
    // Attributes, names and holes of the version's files need nothing.
    exchange.add(
        new Change.PutInode(
            trees.ino("/etc/passwd"), NodeWriter.ownAttributes(FileType.REGULAR, 0600)));
    exchange.add(new Change.PutWhiteout(1, Name.of("large"))).ship();
  }

  @Test
  void aRestartForgetsNothingOfIt() throws Exception {
    NodeWriter before = fill("web01");
    before.unmount();
    rig.reopen();
    NodeWriter writer = rig.mount("web01");
    Message.Append more = writer.write(INO, PAGES - 1, bytes(3, 2 * PAGE)).seal();
    assertRefused(() -> writer.send(more));
    instead(writer, more).write(INO, 3, bytes(4, PAGE)).ship();
  }

  @Test
  void aRollbackRestoresTheUseAsWell() throws Exception {
    NodeWriter writer = rig.mount("web01");
    writer.session.answers = barrier -> new Message.Appended(writer.sequence);
    writer.file(1, "a", INO, bytes(1, PAGE)).ship();
    long before = usedBytes(writer);
    rig.admin("snapshot.create", "node", "web01", "name", "before");
    writer.file(1, "b", INO + 1, bytes(2, (PAGES - 3) * PAGE)).ship();
    writer.unmount();
    rig.admin("rollback", "node", "web01", "snapshot", "before");
    NodeWriter again = rig.mount("web01");
    assertEquals(before, usedBytes(again));
    again.file(1, "c", INO + 2, bytes(3, (PAGES - 3) * PAGE)).ship();
    again.unmount();
    rig.reopen();
    assertEquals(
        before + (PAGES - 3L) * PAGE + InodeState.QUOTA_BYTES,
        shown("web01").get("usedBytes").getAsLong());
  }

  @Test
  void withoutAQuotaThereIsNoBound() throws Exception {
    rig.admin("node.add", "node", "web03", "master", "debian");
    NodeWriter writer = rig.mount("web03");
    writer.file(1, "a", INO, bytes(1, 2 * PAGES * PAGE)).ship();
    StoredBlock block = block(7);
    rig.appliance.putBlocks(writer.session, new Message.PutBlocks(List.of(block)));
  }

  private static StoredBlock block(int seed) throws Exception {
    return new BlockCodec().encode(ByteBuffer.wrap(bytes(seed, BlockId.BLOCK_BYTES)));
  }

  private void upload(NodeWriter writer, StoredBlock... blocks) throws ApplianceException {
    rig.appliance.putBlocks(writer.session, new Message.PutBlocks(List.of(blocks)));
  }

  @Test
  void blocksThatNobodyNamesNeedRoomToo() throws Exception {
    NodeWriter writer = rig.mount("web01");
    int fit = PAGES / (BlockId.BLOCK_BYTES / PAGE);
    List<StoredBlock> uploaded = new ArrayList<>();
    for (int i = 0; i < fit; i++) {
      uploaded.add(block(100 + i));
      upload(writer, uploaded.get(i));
    }
    upload(writer, uploaded.get(0));
    assertRefused(() -> upload(writer, block(200)));
    // A new connection begins with what the last one left.
    writer.unmount();
    NodeWriter again = rig.mount("web01");
    assertRefused(() -> upload(again, block(200)));
    upload(rig.mount("web02"), block(200));

    // What a record names is the overlay's, and counts as that.
    upload(again, uploaded.get(0));
    again.add(
        new Change.PutInode(INO, NodeWriter.own(FileType.REGULAR, 0644, BlockId.BLOCK_BYTES, 0)));
    again.add(new Change.PutBlock(INO, 0, uploaded.get(0).id())).ship();
    assertEquals(BlockId.BLOCK_BYTES + InodeState.QUOTA_BYTES, usedBytes(again));
    assertRefused(() -> upload(again, block(200)));
    again.add(new Change.DropInode(INO)).ship();
    assertEquals(0, usedBytes(again));
    upload(again, block(200));
    assertRefused(() -> upload(again, block(201)));
    rig.admin("store.sweep");
    upload(again, block(201));
  }

  @Test
  void aHeadTellsWhichPagesOfABlockAreTheOverlays() throws Exception {
    NodeWriter writer = rig.mount("web01");
    long large = trees.ino("/large");
    writer.add(new Change.PutInode(large, NodeWriter.ownData(1, 300_000, 300_000)));
    writer.page(large, 33, bytes(3, PAGE)).page(large, 35, bytes(4, PAGE)).ship();
    assertEquals(0b1010, ownPages(writer));
    writer.session.features = Protocol.FEATURE_TAILS;
    assertEquals(Change.PutBlock.ALL_PAGES, ownPages(writer), "an older node knows nothing of it");
  }

  private int ownPages(NodeWriter writer) throws Exception {
    List<Change> rows =
        rig.appliance.getHead(writer.session, new Message.GetHead("web01", new byte[0])).rows();
    List<Change> blocks = rows.stream().filter(row -> row instanceof Change.PutBlock).toList();
    assertEquals(1, blocks.size());
    return ((Change.PutBlock) blocks.get(0)).ownPages();
  }
}
