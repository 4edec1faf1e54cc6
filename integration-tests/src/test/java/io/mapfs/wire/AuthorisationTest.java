package io.mapfs.wire;

import static io.mapfs.wire.SecureRig.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ClientSecurity;
import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.hash.Sha256;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Priority;
import io.mapfs.server.overlay.Overlay;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a node can reach, and what it cannot, whatever it asks for. */
@Timeout(60)
final class AuthorisationTest {
  private static final byte[] OURS = "what the node's master has".getBytes(StandardCharsets.UTF_8);
  private static final byte[] THEIRS = "another master's secret".getBytes(StandardCharsets.UTF_8);
  private static final long INO = 1L << 48;
  private static final FileTime TIME = new FileTime(1, 0);

  @TempDir private Path temp;
  private SecureRig rig;
  private ApplianceClient web01;

  @BeforeEach
  void open() throws Exception {
    rig = new SecureRig(temp);
    rig.master("debian", tree("ours", OURS), "web01", "web02");
    rig.master("secret", tree("theirs", THEIRS), "vault");
    web01 = rig.node("web01", rig.join("web01"));
  }

  @AfterEach
  void close() throws Exception {
    rig.close();
  }

  private Path tree(String name, byte[] content) throws Exception {
    Path tree = Files.createDirectories(temp.resolve(name));
    Files.write(tree.resolve("file"), content);
    return tree;
  }

  private static StoredBlock block(byte[] content) throws Exception {
    return new BlockCodec().encode(ByteBuffer.wrap(content));
  }

  private static FailureCode refusal(CompletableFuture<?> answer) {
    ApplianceException e =
        assertThrows(ApplianceException.class, () -> ApplianceClient.await(answer));
    return e.code();
  }

  private CompletableFuture<Message.Blocks> get(ReadScope scope, BlockId id) {
    return web01.getBlocks(scope, List.of(id), Priority.DEMAND);
  }

  @Test
  void blocksAreReadThroughWhatNamesThem() throws Exception {
    ReadScope version = new ReadScope.Version("debian", 1);
    BlockId ours = block(OURS).id();
    assertEquals(ours, ApplianceClient.await(get(version, ours)).blocks().get(0).id());
    ReadScope overlay = new ReadScope.Overlay("web01");
    assertEquals(ours, ApplianceClient.await(get(overlay, ours)).blocks().get(0).id());
  }

  @Test
  void aHashAloneGrantsNothing() throws Exception {
    BlockId theirs = block(THEIRS).id();
    BlockId nobodys = block(new byte[100]).id();
    for (ReadScope own :
        List.of(new ReadScope.Version("debian", 1), new ReadScope.Overlay("web01"))) {
      assertEquals(FailureCode.NOT_FOUND, refusal(get(own, theirs)));
      // The answer tells not whether the appliance has it.
      assertEquals(FailureCode.NOT_FOUND, refusal(get(own, nobodys)));
      assertTrue(
          ApplianceClient.await(web01.haveBlocks(own, List.of(theirs), Priority.DEMAND))
              .present()
              .isEmpty());
    }
    for (ReadScope other :
        List.of(
            new ReadScope.Version("secret", 1),
            new ReadScope.Version("secret", 0),
            new ReadScope.Version("debian", 0),
            new ReadScope.Overlay("vault"),
            new ReadScope.Overlay("web02"))) {
      FailureCode code = refusal(get(other, theirs));
      assertTrue(code == FailureCode.DENIED || code == FailureCode.NOT_FOUND, other + ": " + code);
      FailureCode have = refusal(web01.haveBlocks(other, List.of(theirs), Priority.DEMAND));
      assertTrue(have == FailureCode.DENIED || have == FailureCode.NOT_FOUND, other + ": " + have);
    }
    assertEquals(FailureCode.DENIED, refusal(web01.getTree("secret", 1, 0, 100, Priority.DEMAND)));
  }

  @Test
  void aRecordThatNamesAHashGrantsNothing() throws Exception {
    Message.OverlayOpened opened = ApplianceClient.await(web01.openOverlay("web01", "host", false));
    BlockId theirs = block(THEIRS).id();
    assertEquals(
        FailureCode.MISSING_BLOCK,
        refusal(web01.append(naming("web01", opened, theirs), List.of())));
    // Nor does an upload that is not the block's content.
    StoredBlock forged = new StoredBlock(theirs, StoredBlock.CODEC_RAW, 5, ByteBuffer.allocate(5));
    assertEquals(FailureCode.CORRUPT, refusal(web01.putBlocks(List.of(forged), Priority.DEMAND)));
    assertEquals(
        FailureCode.MISSING_BLOCK,
        refusal(web01.append(naming("web01", opened, theirs), List.of())));
    assertEquals(FailureCode.NOT_FOUND, refusal(get(new ReadScope.Overlay("web01"), theirs)));
    // Whoever has the content may name it, and then read it.
    ApplianceClient.await(web01.putBlocks(List.of(block(THEIRS)), Priority.DEMAND));
    ApplianceClient.await(web01.append(naming("web01", opened, theirs), List.of()));
    // The head is read up to the last record; what names a block is known from then on.
    ApplianceClient.await(web01.getHead("web01", new byte[0]));
    ApplianceClient.await(get(new ReadScope.Overlay("web01"), theirs));
  }

  /** A record that makes a file of this block. */
  private static JournalRecord naming(String node, Message.OverlayOpened opened, BlockId id) {
    return new JournalRecord(
        node,
        opened.epoch(),
        opened.sequence() + 1,
        opened.hash(),
        1_000,
        List.of(new Change.PutInode(INO, file(THEIRS.length)), new Change.PutBlock(INO, 0, id)));
  }

  private static InodeState file(long sizeBytes) {
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
        sizeBytes,
        TIME,
        TIME,
        TIME,
        TIME,
        null,
        0,
        0,
        0);
  }

  /** A node that does not keep to what it was granted. */
  @Test
  void whatIsBeyondTheGrantIsRefused() throws Exception {
    long quota = 1 << 20;
    try (ApplianceClient admin = rig.admin()) {
      admin.call("node.add", json("node", "greedy", "master", "debian", "quotaBytes", quota));
    }
    ApplianceClient greedy = rig.node("greedy", rig.join("greedy"));
    Message.OverlayOpened opened =
        ApplianceClient.await(greedy.openOverlay("greedy", "host", false));
    assertEquals(quota, opened.quotaBytes());
    long granted = opened.quotaBytes() + Overlay.SLACK_BYTES;
    int pages = (int) (granted / Change.PAGE_BYTES);
    assertEquals(FailureCode.NO_SPACE, refusal(write(greedy, "greedy", opened, pages + 1)));
    ApplianceClient.await(write(greedy, "greedy", opened, pages));

    assertEquals(
        FailureCode.NO_SPACE,
        refusal(greedy.putBlocks(distinctBlocks(1 + pages / BlockId.LEAVES), Priority.DEMAND)));
    // Its overlay stays readable, and other nodes feel nothing of it.
    assertEquals(1, ApplianceClient.await(greedy.getHead("greedy", new byte[0])).sequence());
    Message.OverlayOpened other = ApplianceClient.await(web01.openOverlay("web01", "host", false));
    ApplianceClient.await(write(web01, "web01", other, pages + 1));
  }

  private static List<StoredBlock> distinctBlocks(int count) throws Exception {
    List<StoredBlock> blocks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] bytes = new byte[BlockId.BLOCK_BYTES];
      bytes[0] = (byte) (1 + i);
      blocks.add(block(bytes));
    }
    return blocks;
  }

  /** Appends a record that writes so many pages to a file. */
  private static CompletableFuture<Message.Appended> write(
      ApplianceClient client, String node, Message.OverlayOpened opened, int pages) {
    byte[] hash = Sha256.of(new byte[Change.PAGE_BYTES]);
    ByteBuffer hashes = ByteBuffer.allocate(pages * hash.length);
    while (hashes.hasRemaining()) {
      hashes.put(hash);
    }
    JournalRecord record =
        new JournalRecord(
            node,
            opened.epoch(),
            opened.sequence() + 1,
            opened.hash(),
            1_000,
            List.of(
                new Change.PutInode(INO, file((long) pages * Change.PAGE_BYTES)),
                new Change.WritePages(INO, 0, hashes.array())));
    return client.append(record, List.of(ByteBuffer.allocate(pages * Change.PAGE_BYTES)));
  }

  @Test
  void anotherNodesOverlayIsOutOfReach() throws Exception {
    ApplianceClient web02 = rig.node("web02", rig.join("web02"));
    Message.OverlayOpened theirs = ApplianceClient.await(web02.openOverlay("web02", "h", false));
    JournalRecord record = naming("web02", theirs, block(OURS).id());
    List<CompletableFuture<?>> attempts =
        List.of(
            web01.openOverlay("web02", "host", false),
            web01.openOverlay("web02", "host", true),
            web01.resumeOverlay("web02", theirs.epoch()),
            web01.getPosition("web02"),
            web01.getHead("web02", new byte[0]),
            web01.append(record, List.of()),
            web01.openTail("web02", theirs.epoch()),
            web01.appendTail(record, List.of()),
            web01.closeOverlay("web02", theirs.epoch()),
            web01.getPosition("no-such-node"));
    for (CompletableFuture<?> attempt : attempts) {
      assertEquals(FailureCode.DENIED, refusal(attempt));
    }
    assertEquals(theirs.sequence(), ApplianceClient.await(web02.getPosition("web02")).sequence());
  }

  @Test
  void administratorsCallsAreRefusedToNodes() throws Exception {
    for (String method :
        List.of(
            "appliance.status",
            "status",
            "master.list",
            "version.verify",
            "version.delete",
            "store.sweep",
            "import.begin",
            "import.commit",
            "import.abort",
            "node.add",
            "node.list",
            "node.update",
            "node.remove",
            "node.fence",
            "node.revoke",
            "node.join",
            "token.create",
            "admin.add",
            "admin.list",
            "admin.revoke",
            "audit.list",
            "tail.list",
            "tail.show",
            "tail.read",
            "tail.drop",
            "snapshot.create",
            "snapshot.show",
            "snapshot.diff",
            "snapshot.delete",
            "rollback")) {
      assertEquals(FailureCode.DENIED, refused(web01, method, json("node", "web01")), method);
      assertEquals(FailureCode.DENIED, refused(web01, method, new JsonObject()), method);
    }
    for (String method : List.of("node.show", "snapshot.list")) {
      assertFalse(web01.call(method, json("node", "web01")).entrySet().isEmpty());
      assertEquals(FailureCode.DENIED, refused(web01, method, json("node", "web02")), method);
    }
    for (String method : List.of("version.show", "master.versions")) {
      assertFalse(web01.call(method, json("master", "debian")).entrySet().isEmpty());
      assertEquals(FailureCode.DENIED, refused(web01, method, json("master", "secret")), method);
    }
    assertFalse(web01.call("boot.get", json("master", "debian")).has("order"));
    for (String method : List.of("boot.get", "boot.put")) {
      assertEquals(FailureCode.DENIED, refused(web01, method, json("master", "secret")), method);
    }
    assertEquals(FailureCode.DENIED, refusal(web01.putTree("import-1", 0, ByteBuffer.allocate(1))));
  }

  private static FailureCode refused(ApplianceClient client, String method, JsonObject parameters) {
    return assertThrows(ApplianceException.class, () -> client.call(method, parameters), method)
        .code();
  }

  @Test
  void whoHasNoCertificateCanOnlyJoin() throws Exception {
    ApplianceClient guest =
        rig.connect("web01", new ClientSecurity.Joining(rig.token("web01", Duration.ofMinutes(1))));
    for (String method :
        List.of("node.show", "status", "admin.add", "token.create", "snapshot.list")) {
      assertEquals(FailureCode.DENIED, refused(guest, method, json("node", "web01")), method);
    }
    ReadScope version = new ReadScope.Version("debian", 1);
    BlockId ours = block(OURS).id();
    List<CompletableFuture<?>> attempts =
        List.of(
            guest.getBlocks(version, List.of(ours), Priority.DEMAND),
            guest.haveBlocks(version, List.of(ours), Priority.DEMAND),
            guest.putBlocks(List.of(block(OURS)), Priority.DEMAND),
            guest.getTree("debian", 1, 0, 100, Priority.DEMAND),
            guest.openOverlay("web01", "host", true),
            guest.getPosition("web01"),
            guest.getHead("web01", new byte[0]));
    for (CompletableFuture<?> attempt : attempts) {
      assertEquals(FailureCode.DENIED, refusal(attempt));
    }
  }
}
