package io.mapfs.core.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.ChangeKind;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.journal.MalformedRecordException;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.kv.KeyValueStore;
import io.mapfs.core.kv.KeyValueStore.Batch;
import io.mapfs.core.kv.KeyValueStore.Cursor;
import io.mapfs.core.kv.KeyValueStore.Table;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The overlay's rows on the node's own disk, as of one sealed record, which the same write batch
 * names. Layout: docs/format.md, "Overlay index".
 *
 * <p>Applying a record is the only way in which rows change, at run time, after a crash and from a
 * fetched head alike; but for where own pages lie, which compaction changes. Safe for concurrent
 * reads beside one thread that applies.
 */
final class OverlayIndex implements Closeable {
  static final List<String> TABLES = List.of("meta", "inodes", "xattrs", "extents", "dentries");

  private static final int FORMAT_VERSION = 1;
  private static final byte[] POSITION_KEY = "position".getBytes(StandardCharsets.US_ASCII);
  private static final int WHITEOUT = 0;
  private static final int DENTRY = 1;
  private static final int BLOCK_PAGES = BlockExtent.PAGES;

  /** An inode's row: its state, and how many pages it owns (see {@link BlockExtent}). */
  record InodeRow(InodeState state, long ownedPages) {}

  /** One row of a file's extents. */
  record ExtentRow(long ino, long block, BlockExtent extent) {}

  interface InodeVisitor {
    void inode(long ino, InodeRow row) throws IOException;
  }

  interface ExtentVisitor {
    void extent(long ino, long block, BlockExtent extent) throws IOException;
  }

  interface DentryVisitor {
    void dentry(Name name, DentryRow row) throws IOException;
  }

  interface DirectoryVisitor {
    void directory(long ino) throws IOException;
  }

  private final KeyValueStore store;
  private final Table meta;
  private final Table inodes;
  private final Table xattrs;
  private final Table extents;
  private final Table dentries;

  OverlayIndex(KeyValueStore store) {
    this.store = store;
    this.meta = store.table("meta");
    this.inodes = store.table("inodes");
    this.xattrs = store.table("xattrs");
    this.extents = store.table("extents");
    this.dentries = store.table("dentries");
  }

  // ---- reading ----

  /** Where this copy stands; {@code null} if it holds no overlay. */
  OverlayPosition position() throws IOException {
    byte[] row = store.get(meta, POSITION_KEY);
    return row == null ? null : decodePosition(row);
  }

  /** The inode's own row, or {@code null}. */
  InodeRow inode(long ino) throws IOException {
    byte[] row = store.get(inodes, key(ino));
    return row == null ? null : decodeInode(row);
  }

  /** The inode's own xattr set; empty where there is no row. */
  SortedMap<Name, byte[]> xattrs(long ino) throws IOException {
    byte[] row = store.get(xattrs, key(ino));
    return row == null
        ? new TreeMap<>()
        : new TreeMap<>(RecordCodec.decodeXattrs(ByteBuffer.wrap(row)));
  }

  void forEachExtent(long ino, ExtentVisitor visitor) throws IOException {
    scanExtents(key(ino), key(ino + 1), visitor);
  }

  void forEachExtent(ExtentVisitor visitor) throws IOException {
    scanExtents(new byte[0], null, visitor);
  }

  private void scanExtents(byte[] from, byte[] to, ExtentVisitor visitor) throws IOException {
    try (Cursor cursor = store.scan(extents, from, to)) {
      while (cursor.next()) {
        ByteBuffer key = ByteBuffer.wrap(cursor.key());
        visitor.extent(key.getLong(), key.getLong(), BlockExtent.decode(cursor.value()));
      }
    }
  }

  /** The rows from this one on, in the order of their keys, at most so many. */
  List<ExtentRow> extents(long ino, long block, int max) throws IOException {
    List<ExtentRow> rows = new ArrayList<>();
    try (Cursor cursor = store.scan(extents, key(ino, block), null)) {
      while (rows.size() < max && cursor.next()) {
        ByteBuffer key = ByteBuffer.wrap(cursor.key());
        rows.add(new ExtentRow(key.getLong(), key.getLong(), BlockExtent.decode(cursor.value())));
      }
    }
    return rows;
  }

  void forEachInode(InodeVisitor visitor) throws IOException {
    try (Cursor cursor = store.scan(inodes, new byte[0], null)) {
      while (cursor.next()) {
        visitor.inode(ByteBuffer.wrap(cursor.key()).getLong(), decodeInode(cursor.value()));
      }
    }
  }

  /** The directory's own rows, in the order of their names. */
  void forEachDentry(long parentIno, DentryVisitor visitor) throws IOException {
    try (Cursor cursor = store.scan(dentries, key(parentIno), key(parentIno + 1))) {
      while (cursor.next()) {
        ByteBuffer key = ByteBuffer.wrap(cursor.key()).position(8);
        visitor.dentry(Name.take(key, key.remaining()), decodeDentry(cursor.value()));
      }
    }
  }

  /** Every directory that has rows, once. */
  void forEachDirectory(DirectoryVisitor visitor) throws IOException {
    byte[] from = new byte[0];
    while (true) {
      long ino;
      try (Cursor cursor = store.scan(dentries, from, null)) {
        if (!cursor.next()) {
          return;
        }
        ino = ByteBuffer.wrap(cursor.key()).getLong();
      }
      visitor.directory(ino);
      from = key(ino + 1);
    }
  }

  // ---- writing ----

  /**
   * Applies changes in their order and moves the position, all at once.
   *
   * @param pages slots of the written pages, in order
   */
  void apply(List<Change> changes, List<SlotRun> pages, OverlayPosition after) throws IOException {
    try (Batch batch = store.batch()) {
      Application application = new Application(batch, pages);
      for (Change change : changes) {
        application.apply(change);
      }
      application.finish();
      batch.put(meta, POSITION_KEY, encodePosition(after));
      store.write(batch, /* durable= */ false);
    }
  }

  /** Puts rows of the same content, whose pages lie elsewhere; the position stays. */
  void replace(List<ExtentRow> rows) throws IOException {
    try (Batch batch = store.batch()) {
      for (ExtentRow row : rows) {
        batch.put(extents, key(row.ino(), row.block()), row.extent().encode());
      }
      store.write(batch, /* durable= */ false);
    }
  }

  /** Adds rows of a fetched head; the position is set once all are there. */
  void load(Iterable<List<Change>> rows) throws IOException {
    // An inode's blocks may come before the inode itself: what it owns is counted at the end.
    Map<Long, Long> ownedPages = new HashMap<>();
    for (List<Change> piece : rows) {
      try (Batch batch = store.batch()) {
        Application application = new Application(batch, List.of());
        for (Change row : piece) {
          application.apply(row);
        }
        application.ownedPagesDeltas.forEach(
            (ino, pages) -> ownedPages.merge(ino, pages, Long::sum));
        application.ownedPagesDeltas.clear();
        application.finish();
        store.write(batch, /* durable= */ false);
      }
    }
    try (Batch batch = store.batch()) {
      Application application = new Application(batch, List.of());
      application.ownedPagesDeltas.putAll(ownedPages);
      application.finish();
      store.write(batch, /* durable= */ false);
    }
  }

  void setPosition(OverlayPosition position) throws IOException {
    try (Batch batch = store.batch()) {
      batch.put(meta, POSITION_KEY, encodePosition(position));
      store.write(batch, /* durable= */ false);
    }
  }

  /** Empties the index; it then holds no overlay. */
  void clear() throws IOException {
    try (Batch batch = store.batch()) {
      batch.delete(meta, POSITION_KEY);
      for (Table table : List.of(inodes, xattrs, extents, dentries)) {
        byte[] end = new byte[300];
        Arrays.fill(end, (byte) 0xFF);
        batch.deleteRange(table, new byte[0], end);
      }
      store.write(batch, /* durable= */ false);
    }
  }

  /** Makes what was applied survive a power cut. */
  void flush() throws IOException {
    store.flush();
  }

  @Override
  public void close() throws IOException {
    store.close();
  }

  /** One record's changes on their way into a batch: sees its own writes. */
  private final class Application {
    private final Batch batch;
    private final List<SlotRun> pages;
    private int runIndex;
    private int runOffset;

    private final Map<Long, InodeState> states = new HashMap<>();
    private final Map<Long, Map<Long, BlockExtent>> changedExtents = new HashMap<>();
    private final Map<Long, Long> ownedPagesDeltas = new HashMap<>();

    Application(Batch batch, List<SlotRun> pages) {
      this.batch = batch;
      this.pages = pages;
    }

    void apply(Change change) throws IOException {
      switch (ChangeKind.of(change)) {
        case DROP_INODE -> drop(((Change.DropInode) change).ino());
        case PUT_INODE -> {
          Change.PutInode put = (Change.PutInode) change;
          states.put(put.ino(), put.state());
        }
        case PUT_XATTRS -> {
          Change.PutXattrs put = (Change.PutXattrs) change;
          batch.put(xattrs, key(put.ino()), RecordCodec.encodeXattrs(put.xattrs()));
        }
        case TRUNCATE_PAGES -> {
          Change.TruncatePages truncate = (Change.TruncatePages) change;
          truncate(truncate.ino(), truncate.firstPage());
        }
        case ZERO_PAGES -> {
          Change.ZeroPages zero = (Change.ZeroPages) change;
          zero(zero.ino(), zero.firstPage(), zero.pageCount());
        }
        case WRITE_PAGES -> {
          Change.WritePages write = (Change.WritePages) change;
          write(write.ino(), write.firstPage(), write.pageCount());
        }
        case PUT_BLOCK -> {
          Change.PutBlock put = (Change.PutBlock) change;
          set(put.ino(), put.blockIndex(), BlockExtent.ofBlock(put.id(), put.ownPages()));
        }
        case PUT_DENTRY -> {
          Change.PutDentry put = (Change.PutDentry) change;
          DentryRow row = new DentryRow(put.ino(), put.type(), put.cookie());
          batch.put(dentries, key(put.parentIno(), put.name()), encodeDentry(row));
        }
        case PUT_WHITEOUT -> {
          Change.PutWhiteout put = (Change.PutWhiteout) change;
          batch.put(dentries, key(put.parentIno(), put.name()), encodeDentry(DentryRow.WHITEOUT));
        }
        case DROP_DENTRY -> {
          Change.DropDentry drop = (Change.DropDentry) change;
          batch.delete(dentries, key(drop.parentIno(), drop.name()));
        }
      }
    }

    private void drop(long ino) throws IOException {
      batch.delete(inodes, key(ino));
      batch.delete(xattrs, key(ino));
      batch.deleteRange(extents, key(ino), key(ino + 1));
    }

    private void write(long ino, long firstPage, int pageCount) throws IOException {
      long page = firstPage;
      int left = pageCount;
      while (left > 0) {
        SlotRun run = pages.get(runIndex);
        int first = (int) (page % BLOCK_PAGES);
        int count = Math.min(Math.min(left, run.count() - runOffset), BLOCK_PAGES - first);
        long block = page / BLOCK_PAGES;
        set(ino, block, get(ino, block).withOwn(first, count, run.slot() + runOffset, -1));
        page += count;
        left -= count;
        runOffset += count;
        if (runOffset == run.count()) {
          runIndex++;
          runOffset = 0;
        }
      }
    }

    private void zero(long ino, long firstPage, long pageCount) throws IOException {
      long end = firstPage + pageCount;
      for (long page = firstPage; page < end; ) {
        long block = page / BLOCK_PAGES;
        int first = (int) (page % BLOCK_PAGES);
        int count = (int) Math.min(BLOCK_PAGES - first, end - page);
        set(ino, block, get(ino, block).withZeros(BlockExtent.mask(first, count), -1));
        page += count;
      }
    }

    private void truncate(long ino, long firstPage) throws IOException {
      long block = firstPage / BLOCK_PAGES;
      int first = (int) (firstPage % BLOCK_PAGES);
      if (first > 0) {
        set(ino, block, get(ino, block).truncated(first));
        block++;
      }
      byte[] from = key(ino, block);
      scanExtents(from, key(ino + 1), (i, gone, extent) -> count(ino, -(long) extent.ownedPages()));
      batch.deleteRange(extents, from, key(ino + 1));
      // Within one record a truncation comes before what is zeroed and written.
      changedExtents.computeIfAbsent(ino, i -> new HashMap<>());
      truncatedFrom.put(ino, block);
    }

    /** First block that this record cut off, where it did: its old row is not seen any more. */
    private final Map<Long, Long> truncatedFrom = new HashMap<>();

    private BlockExtent get(long ino, long block) throws IOException {
      Map<Long, BlockExtent> changed = changedExtents.get(ino);
      BlockExtent extent = changed == null ? null : changed.get(block);
      if (extent != null) {
        return extent;
      }
      Long cut = truncatedFrom.get(ino);
      if (cut != null && block >= cut) {
        return BlockExtent.NONE;
      }
      byte[] row = store.get(extents, key(ino, block));
      return row == null ? BlockExtent.NONE : BlockExtent.decode(row);
    }

    private void set(long ino, long block, BlockExtent extent) throws IOException {
      count(ino, (long) extent.ownedPages() - get(ino, block).ownedPages());
      changedExtents.computeIfAbsent(ino, i -> new HashMap<>()).put(block, extent);
    }

    private void count(long ino, long pagesDelta) {
      ownedPagesDeltas.merge(ino, pagesDelta, Long::sum);
    }

    void finish() throws IOException {
      for (Map.Entry<Long, Map<Long, BlockExtent>> inode : changedExtents.entrySet()) {
        for (Map.Entry<Long, BlockExtent> block : inode.getValue().entrySet()) {
          byte[] key = key(inode.getKey(), block.getKey());
          if (block.getValue().isNone()) {
            batch.delete(extents, key);
          } else {
            batch.put(extents, key, block.getValue().encode());
          }
        }
      }
      for (Map.Entry<Long, Long> delta : ownedPagesDeltas.entrySet()) {
        if (!states.containsKey(delta.getKey())) {
          InodeRow row = inode(delta.getKey());
          if (row == null) {
            throw new MalformedRecordException(
                "a record writes to inode " + delta.getKey() + ", which no record has put");
          }
          states.put(delta.getKey(), row.state());
        }
      }
      for (Map.Entry<Long, InodeState> state : states.entrySet()) {
        InodeRow old = inode(state.getKey());
        long owned =
            (old == null ? 0 : old.ownedPages())
                + ownedPagesDeltas.getOrDefault(state.getKey(), 0L);
        batch.put(inodes, key(state.getKey()), encodeInode(new InodeRow(state.getValue(), owned)));
      }
    }
  }

  // ---- rows ----

  private static byte[] key(long ino) {
    return ByteBuffer.allocate(8).putLong(ino).array();
  }

  private static byte[] key(long ino, long block) {
    return ByteBuffer.allocate(16).putLong(ino).putLong(block).array();
  }

  private static byte[] key(long parentIno, Name name) {
    ByteBuffer key = ByteBuffer.allocate(8 + name.length()).putLong(parentIno);
    name.putInto(key);
    return key.array();
  }

  private static byte[] encodeInode(InodeRow row) {
    ByteBuffer buffer = ByteBuffer.allocate(8 + RecordCodec.encodedBytes(row.state()));
    buffer.putLong(row.ownedPages());
    RecordCodec.encodeInode(row.state(), buffer);
    return buffer.array();
  }

  private static InodeRow decodeInode(byte[] row) throws MalformedRecordException {
    ByteBuffer buffer = ByteBuffer.wrap(row);
    if (buffer.remaining() < 8) {
      throw new MalformedRecordException("inode row is cut short");
    }
    long ownedPages = buffer.getLong();
    return new InodeRow(RecordCodec.decodeInode(buffer), ownedPages);
  }

  private static byte[] encodeDentry(DentryRow row) {
    if (row.isWhiteout()) {
      return new byte[] {WHITEOUT};
    }
    return ByteBuffer.allocate(1 + 8 + 1 + 8)
        .put((byte) DENTRY)
        .putLong(row.ino())
        .put((byte) row.type().code())
        .putLong(row.cookie())
        .array();
  }

  private static DentryRow decodeDentry(byte[] row) throws MalformedRecordException {
    if (row.length == 1 && row[0] == WHITEOUT) {
      return DentryRow.WHITEOUT;
    }
    if (row.length != 18 || row[0] != DENTRY) {
      throw new MalformedRecordException("dentry row of an unknown format");
    }
    ByteBuffer buffer = ByteBuffer.wrap(row).position(1);
    long ino = buffer.getLong();
    FileType type = FileType.ofCode(buffer.get());
    if (type == null) {
      throw new MalformedRecordException("dentry row of an unknown file type");
    }
    return new DentryRow(ino, type, buffer.getLong());
  }

  private static byte[] encodePosition(OverlayPosition position) {
    byte[] node = position.node().getBytes(StandardCharsets.UTF_8);
    byte[] master = position.master().getBytes(StandardCharsets.UTF_8);
    ByteBuffer buffer =
        ByteBuffer.allocate(
            2 + 1 + node.length + 1 + master.length + 4 + 8 + 8 + BlockId.BYTES + 8 + 8);
    buffer.putShort((short) FORMAT_VERSION);
    buffer.put((byte) node.length).put(node);
    buffer.put((byte) master.length).put(master);
    buffer.putInt(position.version());
    buffer.putLong(position.epoch()).putLong(position.sequence()).put(position.hash());
    buffer.putLong(position.nextIno()).putLong(position.nextCookie());
    return buffer.array();
  }

  private static OverlayPosition decodePosition(byte[] row) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(row);
    int version = buffer.getShort();
    if (version != FORMAT_VERSION) {
      throw new IOException(
          "overlay index of format version "
              + version
              + "; this release reads version 1: use the release that wrote it");
    }
    String node = takeText(buffer);
    String master = takeText(buffer);
    int masterVersion = buffer.getInt();
    long epoch = buffer.getLong();
    long sequence = buffer.getLong();
    byte[] hash = new byte[BlockId.BYTES];
    buffer.get(hash);
    return new OverlayPosition(
        node, epoch, sequence, hash, master, masterVersion, buffer.getLong(), buffer.getLong());
  }

  private static String takeText(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.get() & 0xFF];
    buffer.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** For the equality of two copies in tests: every row as text. */
  SortedMap<String, String> dump() throws IOException {
    TreeMap<String, String> rows = new TreeMap<>();
    for (Table table : List.of(inodes, xattrs, extents, dentries)) {
      try (Cursor cursor = store.scan(table, new byte[0], null)) {
        while (cursor.next()) {
          rows.put(
              table.name() + " " + HexFormat.of().formatHex(cursor.key()),
              HexFormat.of().formatHex(cursor.value()));
        }
      }
    }
    return rows;
  }
}
