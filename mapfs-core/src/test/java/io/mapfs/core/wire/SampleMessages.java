package io.mapfs.core.wire;

import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.journal.JournalRecord;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;

/** Messages of every type, the same for the same seed. */
public final class SampleMessages {
  private final Random random;

  public SampleMessages(long seed) {
    random = new Random(seed);
  }

  public List<Message> all() {
    List<Message> messages = new ArrayList<>();
    for (FailureCode code : FailureCode.values()) {
      messages.add(new Message.Failure(code, "there is no node 'wéb01'; did you mean web02?"));
    }
    messages.add(new Message.Done());
    messages.add(new Message.Ping());
    messages.add(new Message.Cancel(random.nextInt()));
    messages.add(new Message.Hello(1, 7, random.nextLong(), "web01", "MapFS 0.1"));
    messages.add(
        new Message.Welcome(
            1, 5, "0123456789abcdef0123456789abcdef", 1, List.of("a:7400", "[::1]:7400"), "0.1"));
    messages.add(new Message.Call("node.show", document()));
    messages.add(new Message.CallProgress(document()));
    messages.add(new Message.CallResult(document()));
    messages.add(new Message.GetBlocks(new ReadScope.Version("debian", 3), ids(5)));
    messages.add(new Message.GetBlocks(new ReadScope.Overlay("web01"), ids(0)));
    messages.add(new Message.Blocks(blocks(3)));
    messages.add(new Message.Blocks(List.of()));
    messages.add(new Message.HaveBlocks(new ReadScope.Version("debian", 0), ids(70)));
    BitSet bits = new BitSet();
    bits.set(3);
    bits.set(69);
    messages.add(new Message.Have(bits));
    messages.add(new Message.Have(new BitSet()));
    messages.add(new Message.PutBlocks(blocks(4)));
    messages.add(new Message.GetTree("debian", 2, 1L << 40, Limits.MAX_TREE_CHUNK_BYTES));
    messages.add(new Message.TreeChunk(1L << 33, bytes(5000)));
    messages.add(new Message.PutTree("i-17", 1L << 20, bytes(70_000)));
    messages.add(new Message.OpenOverlay("web01", "host.example", true));
    messages.add(
        new Message.OverlayOpened(4, 99, array(32), 3, "debian", 2, 1L << 34, 0, 1L << 48, 17));
    messages.add(new Message.ResumeOverlay("web01", 4));
    messages.add(new Message.GetPosition("web01"));
    messages.add(new Message.OverlayPosition(4, 99, array(32), 3));
    messages.add(new Message.GetHead("web01", new byte[0]));
    messages.add(new Message.GetHead("web01", array(60)));
    messages.add(new Message.HeadRows(99, rows(), array(20)));
    messages.add(new Message.HeadRows(99, List.of(), new byte[0]));
    messages.add(
        new Message.HeadRows(99, List.of(new Change.PutBlock(7, 3, id(), 0x81)), new byte[0]));
    messages.add(append());
    messages.add(new Message.Appended(100));
    messages.add(new Message.OpenTail("web01", 4));
    messages.add(new Message.TailOpened(99));
    messages.add(new Message.AppendTail(append().record(), append().pages()));
    messages.add(new Message.CloseOverlay("web01", 4));
    messages.add(new Message.Barrier("web01"));
    messages.add(new Message.Fence("web01", 5, "taken over by web02's host"));
    messages.add(new Message.ChangeQuota("web01", 20L << 30));
    return messages;
  }

  private static JsonObject document() {
    JsonObject document = new JsonObject();
    document.addProperty("node", "web01 \u20ac");
    document.addProperty("version", 3);
    document.add("nested", new JsonObject());
    return document;
  }

  private byte[] array(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private ByteBuffer bytes(int length) {
    return ByteBuffer.wrap(array(length));
  }

  private BlockId id() {
    return BlockId.of(array(BlockId.BYTES));
  }

  private List<BlockId> ids(int count) {
    List<BlockId> ids = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ids.add(id());
    }
    return ids;
  }

  private List<StoredBlock> blocks(int count) {
    List<StoredBlock> blocks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int bytes = 1 + random.nextInt(3000);
      blocks.add(new StoredBlock(id(), StoredBlock.CODEC_ZSTD, BlockId.BLOCK_BYTES, bytes(bytes)));
    }
    return blocks;
  }

  private List<Change> rows() {
    TreeMap<Name, byte[]> xattrs = new TreeMap<>();
    xattrs.put(Name.of("user.note"), array(10));
    return List.of(
        new Change.PutInode(7, state()),
        new Change.PutXattrs(7, xattrs),
        new Change.PutBlock(7, 0, id()),
        new Change.PutBlock(7, 1, null),
        new Change.PutDentry(1, Name.of("etc"), 7, FileType.REGULAR, 12),
        new Change.PutWhiteout(1, Name.of(new byte[] {(byte) 0xFF, 'x'})));
  }

  /** A record with two runs of written pages. */
  public Message.Append append() {
    List<Change> changes =
        List.of(
            new Change.DropInode(5),
            new Change.PutInode(7, state()),
            new Change.WritePages(7, 0, array(2 * Change.WritePages.HASH_BYTES)),
            new Change.WritePages(7, 9, array(Change.WritePages.HASH_BYTES)),
            new Change.DropDentry(1, Name.of("old")));
    return new Message.Append(
        new JournalRecord("web01", 4, 100, array(32), 1_700_000_000_000L, changes),
        List.of(bytes(2 * Change.PAGE_BYTES), bytes(Change.PAGE_BYTES)));
  }

  private InodeState state() {
    FileTime time = new FileTime(random.nextInt(), 5);
    return new InodeState(
        FileType.REGULAR,
        true,
        true,
        false,
        0644,
        0,
        0,
        1,
        0,
        12_345,
        time,
        time,
        time,
        time,
        null,
        2,
        4096,
        0);
  }
}
