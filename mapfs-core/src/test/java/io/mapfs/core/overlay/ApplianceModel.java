package io.mapfs.core.overlay;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.mapfs.core.block.BlockHasher;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.BlockReader;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.MalformedRecordException;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.tree.RepositoryTree;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/**
 * The appliance as far as an overlay sees it, in the heap: takes records, checks that they follow
 * each other and that pages are what they say, applies them, and gives the head out as rows.
 */
final class ApplianceModel implements JournalShipper, BlockReader {
  private static final byte[] ZERO_PAGE = new byte[Change.PAGE_BYTES];

  private record DentryKey(long parentIno, Name name) implements Comparable<DentryKey> {
    @Override
    public int compareTo(DentryKey other) {
      int order = Long.compareUnsigned(parentIno, other.parentIno);
      return order != 0 ? order : name.compareTo(other.name);
    }
  }

  private final BlockReader versionBlocks;
  private final List<RepositoryTree> versions = new ArrayList<>();
  private final Map<BlockId, byte[]> blocks = new HashMap<>();
  private final TreeMap<Long, InodeState> inodes = new TreeMap<>();
  private final TreeMap<Long, SortedMap<Name, byte[]>> xattrs = new TreeMap<>();
  private final TreeMap<Long, TreeMap<Long, byte[]>> pages = new TreeMap<>();
  private final TreeMap<DentryKey, Change> dentries = new TreeMap<>();
  private long sequence;
  private byte[] hash = new byte[JournalRecord.HASH_BYTES];
  private int recordCount;

  /** Of every record that was ever acknowledged. */
  private final Map<Long, byte[]> hashes = new HashMap<>();

  /** Names that each record changed. */
  private final Map<Long, Set<Name>> names = new HashMap<>();

  /** Fails this many of the next ships. */
  private int failures;

  /** Holds answers back while set. */
  private boolean held;

  private final List<Runnable> heldAnswers = new ArrayList<>();

  ApplianceModel(BlockReader versionBlocks, RepositoryTree version) {
    this.versionBlocks = versionBlocks;
    versions.add(version);
  }

  synchronized void addVersion(RepositoryTree version) {
    versions.add(version);
  }

  synchronized void failNext(int count) {
    failures = count;
  }

  synchronized void hold() {
    held = true;
  }

  void letGo() {
    List<Runnable> answers;
    synchronized (this) {
      held = false;
      answers = List.copyOf(heldAnswers);
      heldAnswers.clear();
    }
    answers.forEach(Runnable::run);
  }

  synchronized long sequence() {
    return sequence;
  }

  synchronized byte[] hash() {
    return hash.clone();
  }

  synchronized int recordCount() {
    return recordCount;
  }

  synchronized int rowCount() {
    return inodes.size() + xattrs.size() + dentries.size();
  }

  synchronized boolean hasInode(long ino) {
    return inodes.containsKey(ino);
  }

  /** Names that a record changed. */
  synchronized Set<Name> changedNames(long record) {
    return names.getOrDefault(record, Set.of());
  }

  /** Inodes that no name points at. */
  synchronized List<Long> orphans() {
    List<Long> orphans = new ArrayList<>();
    inodes.forEach(
        (ino, state) -> {
          if (NodeId.isOverlayIno(ino) && state.nlinkDelta() <= 0) {
            orphans.add(ino);
          }
        });
    return orphans;
  }

  synchronized InodeState inode(long ino) {
    return inodes.get(ino);
  }

  @Override
  public CompletableFuture<Void> ship(JournalRecord record, List<ByteBuffer> bytes) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    synchronized (this) {
      if (failures > 0) {
        failures--;
        result.completeExceptionally(new IOException("the appliance is out of reach"));
        return result;
      }
      try {
        append(record, bytes);
      } catch (MalformedRecordException | AssertionError e) {
        result.completeExceptionally(new FencedException("bad record: " + e.getMessage()));
        return result;
      }
      if (held) {
        heldAnswers.add(() -> result.complete(null));
        return result;
      }
    }
    result.complete(null);
    return result;
  }

  private void append(JournalRecord record, List<ByteBuffer> bytes)
      throws MalformedRecordException {
    ByteBuffer encoded = ByteBuffer.wrap(RecordCodec.encode(record));
    JournalRecord received = RecordCodec.decode(encoded);
    RecordCodec.verifyPages(received.changes(), bytes);
    if (received.sequence() <= sequence) {
      assertArrayEquals(
          hashes.get(received.sequence()), RecordCodec.hash(received), "a number used twice");
      return;
    }
    assertEquals(sequence + 1, received.sequence(), "a gap");
    assertArrayEquals(hash, received.previousHash(), "a fork");
    ByteBuffer content = ByteBuffer.allocate(bytes.stream().mapToInt(ByteBuffer::remaining).sum());
    bytes.forEach(each -> content.put(each.duplicate()));
    content.flip();
    for (Change change : received.changes()) {
      apply(change, content);
      if (change instanceof Change.PutDentry put) {
        names.computeIfAbsent(received.sequence(), s -> new HashSet<>()).add(put.name());
      } else if (change instanceof Change.DropDentry drop) {
        names.computeIfAbsent(received.sequence(), s -> new HashSet<>()).add(drop.name());
      }
    }
    sequence = received.sequence();
    hash = RecordCodec.hash(received);
    hashes.put(sequence, hash);
    recordCount++;
  }

  private void apply(Change change, ByteBuffer content) {
    if (change instanceof Change.DropInode drop) {
      assertNotNull(inodes.remove(drop.ino()), "drop of an inode that is not there");
      xattrs.remove(drop.ino());
      pages.remove(drop.ino());
    } else if (change instanceof Change.PutInode put) {
      inodes.put(put.ino(), put.state());
    } else if (change instanceof Change.PutXattrs put) {
      xattrs.put(put.ino(), put.xattrs());
    } else if (change instanceof Change.TruncatePages cut) {
      pagesOf(cut.ino()).tailMap(cut.firstPage(), true).clear();
    } else if (change instanceof Change.ZeroPages zero) {
      for (long page = 0; page < zero.pageCount(); page++) {
        pagesOf(zero.ino()).put(zero.firstPage() + page, ZERO_PAGE);
      }
    } else if (change instanceof Change.WritePages write) {
      for (int page = 0; page < write.pageCount(); page++) {
        byte[] bytes = new byte[Change.PAGE_BYTES];
        content.get(bytes);
        pagesOf(write.ino()).put(write.firstPage() + page, bytes);
      }
    } else if (change instanceof Change.PutDentry put) {
      dentries.put(new DentryKey(put.parentIno(), put.name()), put);
    } else if (change instanceof Change.PutWhiteout put) {
      dentries.put(new DentryKey(put.parentIno(), put.name()), put);
    } else if (change instanceof Change.DropDentry drop) {
      assertNotNull(
          dentries.remove(new DentryKey(drop.parentIno(), drop.name())),
          "drop of a name that is not there");
    }
  }

  private NavigableMap<Long, byte[]> pagesOf(long ino) {
    assertNotNull(inodes.get(ino), "pages of an inode that no record has put");
    return pages.computeIfAbsent(ino, i -> new TreeMap<>());
  }

  /** The head's rows, a few at a time. */
  synchronized List<List<Change>> headRows(int rowsPerPiece) throws FsException {
    List<Change> rows = new ArrayList<>();
    for (long ino : pages.keySet()) {
      rows.addAll(fold(ino));
    }
    inodes.forEach((ino, state) -> rows.add(new Change.PutInode(ino, state)));
    xattrs.forEach((ino, set) -> rows.add(new Change.PutXattrs(ino, set)));
    rows.addAll(dentries.values());
    List<List<Change>> pieces = new ArrayList<>();
    for (int at = 0; at < rows.size(); at += rowsPerPiece) {
      pieces.add(rows.subList(at, Math.min(rows.size(), at + rowsPerPiece)));
    }
    return pieces;
  }

  private List<Change> fold(long ino) throws FsException {
    List<Change> rows = new ArrayList<>();
    InodeState state = inodes.get(ino);
    TreeMap<Long, byte[]> own = pages.get(ino);
    long last = -1;
    for (long page : own.keySet()) {
      long block = page / BlockId.LEAVES;
      if (block == last) {
        continue;
      }
      last = block;
      byte[] content = new byte[BlockId.BLOCK_BYTES];
      long start = block * BlockId.BLOCK_BYTES;
      readBase(state, ino, block, content);
      own.subMap(block * BlockId.LEAVES, (block + 1) * BlockId.LEAVES)
          .forEach(
              (p, bytes) ->
                  System.arraycopy(
                      bytes, 0, content, (int) (p * Change.PAGE_BYTES - start), bytes.length));
      int length = (int) Math.max(0, Math.min(BlockId.BLOCK_BYTES, state.sizeBytes() - start));
      boolean zeros = true;
      for (int i = 0; i < length; i++) {
        zeros &= content[i] == 0;
      }
      BlockId id = null;
      int ownPages = 0;
      for (int i = 0; i * Change.PAGE_BYTES < length; i++) {
        byte[] bytes = own.get(block * BlockId.LEAVES + i);
        ownPages |= bytes == null || bytes == ZERO_PAGE ? 0 : 1 << i;
      }
      if (!zeros) {
        id = BlockHasher.id(content, 0, length);
        byte[] stored = new byte[length];
        System.arraycopy(content, 0, stored, 0, length);
        blocks.put(id, stored);
      }
      rows.add(
          id == null
              ? new Change.PutBlock(ino, block, null)
              : new Change.PutBlock(ino, block, id, ownPages));
    }
    return rows;
  }

  private void readBase(InodeState state, long ino, long block, byte[] content) throws FsException {
    long start = block * BlockId.BLOCK_BYTES;
    for (RepositoryTree tree : versions) {
      if (tree.version() == state.baseVersion() && start < state.baseLimitBytes()) {
        int slot = tree.slotOf(ino);
        BlockId id = block < tree.blockCount(slot) ? tree.block(slot, (int) block) : null;
        if (id != null) {
          long visible = Math.min(state.baseLimitBytes(), tree.attributes(slot).sizeBytes());
          int length = (int) Math.min(BlockId.BLOCK_BYTES, visible - start);
          versionBlocks.read(null, null, id, 0, ByteBuffer.wrap(content, 0, length));
        }
      }
    }
  }

  @Override
  public void read(
      RequestContext context, ReadScope scope, BlockId id, int offsetBytes, ByteBuffer target)
      throws FsException {
    if (scope instanceof ReadScope.Version) {
      versionBlocks.read(context, scope, id, offsetBytes, target);
      return;
    }
    byte[] content;
    synchronized (this) {
      content = blocks.get(id);
    }
    if (content == null) {
      throw new FsException(Errno.EIO, "no block " + id);
    }
    while (target.hasRemaining()) {
      target.put(offsetBytes < content.length ? content[offsetBytes] : 0);
      offsetBytes++;
    }
  }

  @Override
  public boolean readAtHand(BlockId id, int offsetBytes, ByteBuffer target) {
    return versionBlocks.readAtHand(id, offsetBytes, target);
  }

  @Override
  public void prefetch(ReadScope scope, Iterable<BlockId> ids) {}

  /** Where the head stands, for a copy that is fetched anew. */
  synchronized OverlayPosition position(String node, long epoch, RepositoryTree base) {
    return new OverlayPosition(
        node,
        epoch,
        sequence,
        hash.clone(),
        base.master(),
        base.version(),
        NodeId.FIRST_OVERLAY_INO,
        1);
  }
}
