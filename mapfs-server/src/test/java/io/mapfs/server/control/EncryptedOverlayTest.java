package io.mapfs.server.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockHasher;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.hash.Sha256;
import io.mapfs.core.journal.Change;
import io.mapfs.core.seal.KeyWrap;
import io.mapfs.core.seal.OverlayKey;
import io.mapfs.core.seal.RecoveryKey;
import io.mapfs.core.security.Credential;
import io.mapfs.core.security.Keys;
import io.mapfs.core.security.Pem;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.server.FakeSession;
import io.mapfs.server.store.ApplianceStore;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Overlays that are encrypted at the appliance. */
final class EncryptedOverlayTest {
  private static final long INO = NodeId.FIRST_OVERLAY_INO;
  private static final String NODE = "web01";
  private static final String PLAIN = "web02";

  @TempDir Path directory;
  private final RecoveryKey recovery = RecoveryKey.generate();
  private ApplianceRig rig;
  private TreeIndex tree;
  private long passwd;
  private BlockId motd;
  private KeyedMachine machine;

  /** Nothing that is compressed, or guessed. */
  private final byte[] content = new byte[BlockId.BLOCK_BYTES + 5000];

  @BeforeEach
  void open() throws Exception {
    new Random(22).nextBytes(content);
    rig = new ApplianceRig(directory);
    TestTrees trees = TestTrees.of("debian").file("/etc/passwd", "root").file("/etc/motd", "hello");
    rig.importTree(trees);
    tree = trees.build(directory);
    passwd = trees.ino("/etc/passwd");
    motd = tree.block(tree.slotOf(trees.ino("/etc/motd")), 0);
    rig.admin("recovery.set", "publicKey", publicKey(recovery));
    add(NODE, true);
    machine = new KeyedMachine(rig, NODE);
    FakeSession first = machine.connect();
    machine.makeKey(first, recovery);
    rig.disconnect(first);
  }

  @AfterEach
  void close() throws Exception {
    rig.close();
  }

  private static String publicKey(RecoveryKey key) {
    return Pem.encode(Pem.PUBLIC_KEY, key.publicKey().getEncoded());
  }

  private JsonObject add(String node, boolean encrypt) throws Exception {
    FakeSession admin =
        rig.sessionOverTls(
            "", Credential.load(ApplianceStore.adminCredential(rig.root)).certificate());
    try {
      return rig.call(admin, "node.add", "node", node, "master", "debian", "encrypt", encrypt);
    } finally {
      rig.disconnect(admin);
    }
  }

  private interface Action {
    void run() throws Exception;
  }

  private static String assertCode(FailureCode code, Action action) {
    ApplianceException refused = assertThrows(ApplianceException.class, action::run);
    assertEquals(code, refused.code(), refused.getMessage());
    return refused.getMessage();
  }

  private String key() throws Exception {
    return rig.admin("node.show", "node", NODE).get("key").getAsString();
  }

  private boolean unlocked() throws Exception {
    return rig.admin("node.show", "node", NODE).get("unlocked").getAsBoolean();
  }

  private void awaitLocked() throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (unlocked()) {
      assertTrue(System.nanoTime() < deadline, "the key is still held");
      Thread.sleep(5);
    }
  }

  /** What of the content is to be found in files: itself, its pages' and its blocks' hashes. */
  private Map<String, byte[]> traces() {
    Map<String, byte[]> traces = new TreeMap<>();
    traces.put("content", Arrays.copyOfRange(content, 100, 164));
    traces.put("later content", Arrays.copyOfRange(content, content.length - 64, content.length));
    traces.put("hash of a page", Sha256.of(Arrays.copyOf(content, Change.PAGE_BYTES)));
    traces.put("id of a block", BlockHasher.id(content, 0, BlockId.BLOCK_BYTES).toBytes());
    return traces;
  }

  /** Which traces are in some file of the store. */
  private List<String> found() throws Exception {
    Map<String, byte[]> traces = traces();
    List<String> files =
        FileCopies.of(rig.root).contents().values().stream()
            .map(bytes -> new String(bytes, StandardCharsets.ISO_8859_1))
            .toList();
    return traces.entrySet().stream()
        .filter(
            trace -> {
              String text = new String(trace.getValue(), StandardCharsets.ISO_8859_1);
              return files.stream().anyMatch(file -> file.contains(text));
            })
        .map(Map.Entry::getKey)
        .toList();
  }

  private void writeAll(NodeWriter writer) throws Exception {
    writer.file(1, "secret", INO, content).ship();
    writer.add(new Change.PutInode(passwd, NodeWriter.ownData(1, 4, 8000)));
    writer.page(passwd, 1, Arrays.copyOf(content, 3904)).ship();
  }

  private void assertReadsBack(FakeSession session, String node) throws Exception {
    HeadReading head = new HeadReading(rig, session, node);
    assertArrayEquals(content, head.content(INO, null));
    byte[] changed = head.content(passwd, tree);
    assertEquals("root", new String(changed, 0, 4, StandardCharsets.US_ASCII));
    assertArrayEquals(
        Arrays.copyOf(content, 3904), Arrays.copyOfRange(changed, Change.PAGE_BYTES, 8000));
  }

  @Test
  void nothingOfItsContentIsInTheStoreAndAllOfAPlainOnes() throws Exception {
    NodeWriter writer = machine.mount();
    writeAll(writer);
    assertEquals(List.of(), found(), "not folded, or being folded");
    rig.admin("snapshot.create", "node", NODE);
    rig.admin("snapshot.show", "node", NODE, "snapshot", "s1", "manifest", true);
    assertReadsBack(writer.session, NODE);
    NodeWriter late = writer;
    rig.admin("node.fence", "node", NODE);
    Message.Append tail = late.file(1, "late", INO + 1, content).seal();
    rig.appliance.appendTail(late.session, new Message.AppendTail(tail.record(), tail.pages()));
    assertEquals(1, rig.admin("tail.list", "node", NODE).getAsJsonArray("tails").size());
    assertFalse(
        rig.admin("tail.show", "node", NODE, "tail", "t1").getAsJsonArray("changes").isEmpty());
    assertEquals(List.of(), found(), "folded, in a snapshot, in a late tail");
    rig.reopen();
    assertEquals(List.of(), found(), "after a restart");

    add(PLAIN, false);
    NodeWriter plain = rig.mount(PLAIN);
    writeAll(plain);
    plain.write(INO, 40, content).ship();
    rig.admin("snapshot.create", "node", PLAIN);
    assertReadsBack(plain.session, PLAIN);
    assertEquals(List.copyOf(traces().keySet()), found(), "the search finds what is there");
  }

  @Test
  void itReadsBackAfterARestartAndWaitsForTheKey() throws Exception {
    NodeWriter writer = machine.mount();
    writeAll(writer);
    assertTrue(unlocked());
    rig.reopen();
    assertFalse(unlocked());
    FakeSession without = machine.connect();
    assertCode(FailureCode.UNAVAILABLE, () -> rig.open(without, NODE, false));
    assertCode(FailureCode.UNAVAILABLE, () -> new HeadReading(rig, without, NODE));
    NodeWriter again = machine.mount();
    assertReadsBack(again.session, NODE);
    assertCode(FailureCode.UNAVAILABLE, () -> new HeadReading(rig, without, NODE));
    BlockId block = BlockHasher.id(content, 0, BlockId.BLOCK_BYTES);
    Message.GetBlocks get = new Message.GetBlocks(new ReadScope.Overlay(NODE), List.of(block));
    assertCode(FailureCode.UNAVAILABLE, () -> rig.appliance.getBlocks(without, get));
    assertEquals(1, rig.appliance.getBlocks(again.session, get).blocks().size());
    again.unmount();
    awaitLocked();
  }

  @Test
  void aStoredBlockIsServedToNobodyUnderAnyOfItsIds() throws Exception {
    NodeWriter writer = machine.mount();
    writeAll(writer);
    rig.admin("snapshot.create", "node", NODE);
    add(PLAIN, false);
    NodeWriter other = rig.mount(PLAIN);
    other.file(1, "own", INO, content).ship();
    rig.admin("snapshot.create", "node", PLAIN);
    String manifest =
        rig.admin("snapshot.show", "node", NODE, "snapshot", "s1", "manifest", true)
            .get("manifest")
            .getAsString();
    BlockId id = BlockHasher.id(content, 0, BlockId.BLOCK_BYTES);
    assertFalse(manifest.contains(id.toString()));
    String stored =
        manifest
            .lines()
            .filter(line -> line.startsWith("block " + INO + " 0 "))
            .map(line -> line.substring(line.lastIndexOf(' ') + 1))
            .findFirst()
            .orElseThrow();
    BlockId storedId = BlockId.of(HexFormat.of().parseHex(stored));
    for (FakeSession asker : List.of(writer.session, other.session)) {
      assertCode(
          FailureCode.NOT_FOUND,
          () ->
              rig.appliance.getBlocks(
                  asker,
                  new Message.GetBlocks(new ReadScope.Overlay(asker.node()), List.of(storedId))));
    }
    other.add(new Change.PutBlock(INO, 0, storedId));
    assertCode(FailureCode.MISSING_BLOCK, other::ship);
  }

  @Test
  void recordsCarryPagesAlone() throws Exception {
    NodeWriter writer = machine.mount();
    writer.add(new Change.PutInode(INO, NodeWriter.own(FileType.REGULAR, 0644, 5, 0)));
    writer.add(new Change.PutBlock(INO, 0, motd));
    Message.Append append = writer.seal();
    assertCode(FailureCode.INVALID, () -> writer.send(append));
    assertCode(
        FailureCode.INVALID,
        () ->
            rig.appliance.putBlocks(
                writer.session,
                new Message.PutBlocks(
                    List.of(new BlockCodec().encode(ByteBuffer.wrap(content, 0, 9))))));
  }

  @Test
  void anErasedKeyEndsEverything() throws Exception {
    NodeWriter writer = machine.mount();
    writeAll(writer);
    rig.admin("snapshot.create", "node", NODE);
    FakeSession reader = machine.connect();
    OverlayKey key = machine.key(reader);
    String wrapped = machine.state(reader).get("wrapped").getAsString();
    assertCode(FailureCode.CONFLICT, () -> rig.admin("key.erase", "node", NODE));
    rig.admin("key.erase", "node", NODE, "force", true);
    assertTrue(writer.session.pushed.stream().anyMatch(told -> told instanceof Message.Fence));
    assertEquals("erased", key());
    assertCode(FailureCode.UNAVAILABLE, () -> new HeadReading(rig, writer.session, NODE));
    for (int restart = 0; restart < 2; restart++) {
      FakeSession asker = machine.connect();
      assertTrue(
          assertCode(FailureCode.DENIED, () -> machine.state(asker)).contains("erased"), "get");
      assertCode(FailureCode.DENIED, () -> machine.unlock(asker, key));
      assertCode(FailureCode.UNAVAILABLE, () -> rig.open(asker, NODE, false));
      rig.reopen();
    }
    assertFalse(Files.exists(rig.root.resolve("overlays/" + NODE + "/key")));
    for (Map.Entry<Path, byte[]> file : FileCopies.of(rig.root).contents().entrySet()) {
      assertFalse(
          new String(file.getValue(), StandardCharsets.ISO_8859_1).contains(wrapped),
          file.getKey().toString());
    }
    List<JsonElement> acts = rig.admin("audit.list").getAsJsonArray("acts").asList();
    assertEquals(
        List.of("CONFLICT", "DONE"),
        acts.stream()
            .map(JsonElement::getAsJsonObject)
            .filter(act -> act.get("method").getAsString().equals("key.erase"))
            .map(act -> act.get("result").getAsString().split(":", -1)[0])
            .toList());
    assertEquals(1, rig.admin("snapshot.list", "node", NODE).getAsJsonArray("snapshots").size());
    rig.admin("store.sweep");
    rig.admin("version.verify", "all", true);
    rig.admin("node.remove", "node", NODE, "force", true);
    add(NODE, true);
    assertEquals("none", key());
  }

  @Test
  void anotherMachineNeedsTheRecoveryKey() throws Exception {
    NodeWriter writer = machine.mount();
    writeAll(writer);
    writer.unmount();
    KeyedMachine moved = new KeyedMachine(rig, NODE);
    FakeSession before = moved.connect();
    assertTrue(
        assertCode(FailureCode.DENIED, () -> moved.state(before)).contains("mapfs node rewrap"));
    assertCode(FailureCode.CONFLICT, () -> moved.put(before, OverlayKey.generate(), wraps(null)));

    JsonObject state = rig.admin("key.get", "node", NODE);
    KeyWrap wrap = new KeyWrap(rig.appliance.clusterId(), NODE, state.get("overlay").getAsLong());
    OverlayKey recovered = null;
    for (JsonElement each : state.getAsJsonArray("wraps")) {
      JsonObject wrapped = each.getAsJsonObject();
      if (wrapped.get("holder").getAsString().equals("recovery")) {
        assertEquals(recovery.id(), wrapped.get("id").getAsString());
        recovered =
            wrap.unwrap(
                Base64.getDecoder().decode(wrapped.get("wrapped").getAsString()),
                recovery.key(),
                recovery.publicKey());
      }
    }
    JsonArray wraps = wraps(wrap.wrap(recovered, recovery.publicKey()));
    int machines = 0;
    for (JsonElement each : state.getAsJsonArray("machines")) {
      String id = each.getAsJsonObject().get("id").getAsString();
      byte[] spki =
          Pem.decodeOne(Pem.PUBLIC_KEY, each.getAsJsonObject().get("publicKey").getAsString());
      wraps.add(KeyedMachine.wrapped("node", id, wrap.wrap(recovered, Keys.open(spki))));
      machines++;
    }
    assertEquals(2, machines);
    OverlayKey wrong = OverlayKey.generate();
    assertCode(
        FailureCode.DENIED,
        () ->
            rig.admin(
                "key.put",
                "node",
                NODE,
                "check",
                KeyedMachine.base64(wrong.check()),
                "wraps",
                wraps));
    rig.admin(
        "key.put", "node", NODE, "check", KeyedMachine.base64(recovered.check()), "wraps", wraps);
    NodeWriter there = moved.mount();
    assertReadsBack(there.session, NODE);
    there.unmount();

    assertEquals(3, wrapsKept());
    rig.admin("node.revoke", "node", NODE);
    assertEquals(1, wrapsKept(), "the recovery key's");
  }

  private JsonArray wraps(byte[] forRecovery) {
    JsonArray wraps = new JsonArray();
    wraps.add(
        KeyedMachine.wrapped(
            "recovery", recovery.id(), forRecovery == null ? new byte[] {1} : forRecovery));
    return wraps;
  }

  private int wrapsKept() throws Exception {
    return rig.admin("key.get", "node", NODE).getAsJsonArray("wraps").size();
  }

  @Test
  void aWrongKeyIsRefused() throws Exception {
    FakeSession session = machine.connect();
    assertCode(FailureCode.DENIED, () -> machine.unlock(session, OverlayKey.generate()));
    assertCode(
        FailureCode.DENIED, () -> rig.call(session, "key.unlock", "node", NODE, "secret", "AAAA"));
    assertFalse(unlocked());
    assertCode(FailureCode.DENIED, () -> rig.call(rig.session(NODE), "key.get", "node", NODE));
  }

  @Test
  void itIsAddedOnlyWithARecoveryKeyAndIdentities() throws Exception {
    assertCode(
        FailureCode.INVALID,
        () -> rig.admin("node.add", "node", "x", "master", "debian", "encrypt", true));
    assertEquals(
        FailureCode.CONFLICT,
        rig.refused("recovery.set", "publicKey", publicKey(RecoveryKey.generate())).code());
    ApplianceRig fresh = new ApplianceRig(Files.createDirectory(directory.resolve("fresh")));
    try {
      Path format = fresh.root.resolve("FORMAT");
      assertTrue(Files.readString(format).contains("format 1"));
      FakeSession admin =
          fresh.sessionOverTls(
              "", Credential.load(ApplianceStore.adminCredential(fresh.root)).certificate());
      assertTrue(
          assertCode(
                  FailureCode.INVALID,
                  () ->
                      fresh.call(
                          admin, "node.add", "node", "x", "master", "debian", "encrypt", true))
              .contains("recovery-key create"));
      assertTrue(Files.readString(format).contains("format 1"));
    } finally {
      fresh.close();
    }
    assertTrue(Files.readString(rig.root.resolve("FORMAT")).contains("format 2"));
  }

  @Test
  void aBlockThatWasChangedOrExchangedIsNotServed() throws Exception {
    NodeWriter writer = machine.mount();
    byte[] other = new byte[content.length];
    new Random(23).nextBytes(other);
    writer.file(1, "one", INO, content).file(1, "two", INO + 1, other).ship();
    rig.admin("snapshot.create", "node", NODE);
    Path pack = rig.root.resolve("packs/00000001.pack");
    byte[] whole = Files.readAllBytes(pack);
    List<Integer> sealed = sealedBlocks(whole);
    assertEquals(4, sealed.size());

    byte[] flipped = whole.clone();
    flipped[sealed.get(0) + 56 + 1000] ^= 1;
    checksum(flipped, sealed.get(0));
    Files.write(pack, flipped);
    assertCode(FailureCode.CORRUPT, () -> readAll(writer.session));

    byte[] exchanged = whole.clone();
    int length = ByteBuffer.wrap(exchanged).getInt(sealed.get(0) + 16);
    int second =
        sealed.stream()
            .skip(1)
            .filter(at -> ByteBuffer.wrap(exchanged).getInt(at + 16) == length)
            .findFirst()
            .orElseThrow();
    byte[] moved = Arrays.copyOfRange(exchanged, sealed.get(0) + 56, sealed.get(0) + 56 + length);
    System.arraycopy(exchanged, second + 56, exchanged, sealed.get(0) + 56, length);
    System.arraycopy(moved, 0, exchanged, second + 56, length);
    checksum(exchanged, sealed.get(0));
    checksum(exchanged, second);
    Files.write(pack, exchanged);
    assertCode(FailureCode.CORRUPT, () -> readAll(writer.session));

    Files.write(pack, whole);
    readAll(writer.session);
  }

  private void readAll(FakeSession session) throws Exception {
    HeadReading head = new HeadReading(rig, session, NODE);
    head.content(INO, null);
    head.content(INO + 1, null);
  }

  /** Where the headers of encrypted blocks are in a pack. */
  private static List<Integer> sealedBlocks(byte[] pack) {
    ByteBuffer bytes = ByteBuffer.wrap(pack);
    List<Integer> found = new ArrayList<>();
    for (int at = 16; at + 56 <= pack.length; at += 56 + bytes.getInt(at + 16)) {
      if (bytes.get(at + 4) < 0) {
        found.add(at);
      }
    }
    return found;
  }

  /** Makes the checksum of a block right again. */
  private static void checksum(byte[] pack, int at) {
    ByteBuffer bytes = ByteBuffer.wrap(pack);
    CRC32C crc = new CRC32C();
    crc.update(pack, at, 52);
    crc.update(pack, at + 56, bytes.getInt(at + 16));
    bytes.putInt(at + 52, (int) crc.getValue());
  }
}
