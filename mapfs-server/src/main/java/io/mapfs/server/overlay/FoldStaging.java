package io.mapfs.server.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.server.store.Blocks;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * An overlay's head with changes on top that are not written yet: rows by key, and the blocks that
 * are being merged. Belongs to one fold.
 */
final class FoldStaging {
  /** Blocks held in memory at a time, 128 KiB each. */
  private static final int MOST_OPEN_BLOCKS = 64;

  private final OverlayRows rows;
  private final long overlayId;
  private final long baseSequence;
  private final VersionTrees trees;
  private final Blocks blocks;
  private final OwnBlocks own;
  private final NavigableMap<RowKey, Row> staged = new TreeMap<>();
  private final Map<RowKey, OpenBlock> open = new LinkedHashMap<>();
  private final Map<Long, InodeState> states = new HashMap<>();

  FoldStaging(
      OverlayRows rows,
      long overlayId,
      long baseSequence,
      VersionTrees trees,
      Blocks blocks,
      OwnBlocks own) {
    this.rows = rows;
    this.overlayId = overlayId;
    this.baseSequence = baseSequence;
    this.trees = trees;
    this.blocks = blocks;
    this.own = own;
  }

  /** Trees of the versions that overlays inherit from. */
  interface VersionTrees {
    RepositoryTree tree(int version) throws IOException;
  }

  /** A block's content while it is merged: {@code bytes[0, length)}, zeros behind. */
  private static final class OpenBlock {
    final byte[] bytes = new byte[BlockId.BLOCK_BYTES];
    int length;

    /** One bit a page: what the overlay wrote itself, the first page lowest. */
    int pages;
  }

  /** The rows to write. Blocks that are still open are closed first. */
  NavigableMap<RowKey, Row> finish() throws IOException {
    closeBlocks();
    return staged;
  }

  Row row(RowKey key) throws IOException {
    Row row = staged.get(key);
    if (row == null) {
      return rows.get(key, baseSequence);
    }
    return row instanceof Row.Gone ? null : row;
  }

  void put(RowKey key, Row row) {
    staged.put(key, row);
    if (key.kind() == RowKey.BLOCK) {
      open.remove(key);
    } else if (key.kind() == RowKey.INODE) {
      states.remove(key.ino());
    }
  }

  /** The inode's own record, or {@code null}. */
  private InodeState state(long ino) throws IOException {
    InodeState state = states.get(ino);
    if (state == null && row(RowKey.inode(overlayId, ino)) instanceof Row.Inode inode) {
      state = inode.state();
      states.put(ino, state);
    }
    return state;
  }

  void dropInode(long ino) throws IOException {
    put(RowKey.inode(overlayId, ino), Row.Gone.INSTANCE);
    put(RowKey.xattrs(overlayId, ino), Row.Gone.INSTANCE);
    for (RowKey key : ownBlocks(ino, 0, Long.MAX_VALUE).keySet()) {
      put(key, Row.Gone.INSTANCE);
    }
  }

  /** Content from this offset on is gone; the base is not seen there any more either. */
  void truncate(long ino, long offsetBytes) throws IOException {
    long firstGone = ceilingBlock(offsetBytes);
    for (RowKey key : ownBlocks(ino, firstGone, Long.MAX_VALUE).keySet()) {
      put(key, Row.Gone.INSTANCE);
    }
    int keep = (int) (offsetBytes % BlockId.BLOCK_BYTES);
    if (keep != 0) {
      RowKey key = RowKey.block(overlayId, ino, firstGone - 1);
      if (isOwn(key)) {
        cut(openBlock(key), keep);
      }
    }
  }

  /** This range, of whole pages, reads as zeros. */
  void zero(long ino, long offsetBytes, long lengthBytes) throws IOException {
    long endBytes = offsetBytes + lengthBytes;
    long firstWhole = ceilingBlock(offsetBytes);
    long endWhole = endBytes / BlockId.BLOCK_BYTES;
    if (firstWhole > endWhole) {
      zeroPart(ino, endWhole, offsetBytes, endBytes);
      return;
    }
    if (offsetBytes % BlockId.BLOCK_BYTES != 0) {
      zeroPart(ino, firstWhole - 1, offsetBytes, endBytes);
    }
    for (RowKey key : ownBlocks(ino, firstWhole, endWhole).keySet()) {
      put(key, hidden(key));
    }
    // Past what is there, nothing needs hiding: the range may be far longer than the file.
    long endVisible = Math.min(endWhole, ceilingBlock(baseLimitBytes(ino)));
    for (long block = firstWhole; block < endVisible; block++) {
      if (base(ino, block) != null) {
        put(RowKey.block(overlayId, ino, block), Row.Zeros.INSTANCE);
      }
    }
    if (endBytes % BlockId.BLOCK_BYTES != 0) {
      zeroPart(ino, endWhole, offsetBytes, endBytes);
    }
  }

  private void zeroPart(long ino, long blockIndex, long offsetBytes, long endBytes)
      throws IOException {
    RowKey key = RowKey.block(overlayId, ino, blockIndex);
    if (!isOwn(key) && base(ino, blockIndex) == null) {
      return;
    }
    long start = blockIndex * BlockId.BLOCK_BYTES;
    OpenBlock block = openBlock(key);
    int from = (int) Math.max(0, offsetBytes - start);
    int to = (int) Math.min(block.length, endBytes - start);
    if (from < to) {
      Arrays.fill(block.bytes, from, to, (byte) 0);
      block.pages &= ~Row.pages(from, to);
    }
  }

  /** These bytes, whole pages of one block, were written. */
  void write(long ino, long offsetBytes, ByteBuffer source, int lengthBytes) throws IOException {
    RowKey key = RowKey.block(overlayId, ino, offsetBytes / BlockId.BLOCK_BYTES);
    int at = (int) (offsetBytes % BlockId.BLOCK_BYTES);
    OpenBlock block =
        lengthBytes == BlockId.BLOCK_BYTES
            ? open.computeIfAbsent(key, k -> new OpenBlock())
            : openBlock(key);
    source.get(block.bytes, at, lengthBytes);
    block.length = Math.max(block.length, at + lengthBytes);
    block.pages |= Row.pages(at, at + lengthBytes);
    staged.remove(key);
    if (open.size() > MOST_OPEN_BLOCKS) {
      closeBlocks();
    }
  }

  private boolean isOwn(RowKey key) throws IOException {
    return open.containsKey(key) || row(key) != null;
  }

  private OpenBlock openBlock(RowKey key) throws IOException {
    OpenBlock block = open.get(key);
    if (block != null) {
      return block;
    }
    block = new OpenBlock();
    Row row = row(key);
    if (row instanceof Row.Block stored) {
      byte[] content = own.read(stored.id());
      System.arraycopy(content, 0, block.bytes, 0, content.length);
      block.length = content.length;
      block.pages = stored.pages();
    } else if (row == null) {
      BlockId base = base(key.ino(), key.blockIndex());
      if (base != null) {
        byte[] content = blocks.read(base);
        long visible = baseLimitBytes(key.ino()) - key.blockIndex() * BlockId.BLOCK_BYTES;
        block.length = (int) Math.min(content.length, visible);
        System.arraycopy(content, 0, block.bytes, 0, block.length);
      }
    }
    open.put(key, block);
    return block;
  }

  private static void cut(OpenBlock block, int length) {
    if (block.length > length) {
      Arrays.fill(block.bytes, length, block.length, (byte) 0);
      block.length = length;
      block.pages &= Row.pages(0, length);
    }
  }

  /** Content of the base is visible below this offset. */
  private long baseLimitBytes(long ino) throws IOException {
    InodeState state = state(ino);
    return state == null || !state.ownData() || state.baseVersion() == 0
        ? 0
        : state.baseLimitBytes();
  }

  /** The base's block, {@code null} where there is none to be seen. */
  private BlockId base(long ino, long blockIndex) throws IOException {
    if (blockIndex * BlockId.BLOCK_BYTES >= baseLimitBytes(ino)) {
      return null;
    }
    RepositoryTree tree = trees.tree(state(ino).baseVersion());
    int slot = tree.slotOf(ino);
    return slot == RepositoryTree.NONE
            || tree.type(slot) != FileType.REGULAR
            || blockIndex >= tree.blockCount(slot)
        ? null
        : tree.block(slot, (int) blockIndex);
  }

  /** The row that makes a block read as zeros: none, where nothing shows through. */
  private Row hidden(RowKey key) throws IOException {
    return base(key.ino(), key.blockIndex()) == null ? Row.Gone.INSTANCE : Row.Zeros.INSTANCE;
  }

  /** Stores what was merged and stages its rows. */
  private void closeBlocks() throws IOException {
    for (Map.Entry<RowKey, OpenBlock> entry : open.entrySet()) {
      RowKey key = entry.getKey();
      OpenBlock block = entry.getValue();
      InodeState state = state(key.ino());
      if (state != null) {
        // What lies behind the end of the file is zeros, by contract; do not store it.
        long left = state.sizeBytes() - key.blockIndex() * BlockId.BLOCK_BYTES;
        cut(block, (int) Math.max(0, Math.min(block.length, left)));
      }
      int length = block.length;
      boolean zeros = true;
      for (int i = 0; i < length && zeros; i++) {
        zeros = block.bytes[i] == 0;
      }
      staged.put(
          key,
          zeros
              ? hidden(key)
              : new Row.Block(own.write(block.bytes, length), length, false, block.pages));
    }
    open.clear();
  }

  /** The inode's own blocks in a range of indexes, as the head and this staging have them. */
  private NavigableMap<RowKey, Row> ownBlocks(long ino, long from, long to) throws IOException {
    NavigableMap<RowKey, Row> found = new TreeMap<>();
    if (from >= to) {
      return found;
    }
    rows.scanInode(
        overlayId,
        RowKey.BLOCK,
        ino,
        baseSequence,
        (key, row) -> {
          if (key.blockIndex() >= to) {
            return false;
          }
          if (key.blockIndex() >= from) {
            found.put(key, row);
          }
          return true;
        });
    RowKey first = RowKey.block(overlayId, ino, from);
    RowKey end = RowKey.block(overlayId, ino, to);
    staged
        .subMap(first, end)
        .forEach(
            (key, row) -> {
              if (row instanceof Row.Gone) {
                found.remove(key);
              } else {
                found.put(key, row);
              }
            });
    for (RowKey key : open.keySet()) {
      if (key.compareTo(first) >= 0 && key.compareTo(end) < 0) {
        found.put(key, Row.Zeros.INSTANCE);
      }
    }
    return found;
  }

  private static long ceilingBlock(long offsetBytes) {
    return offsetBytes / BlockId.BLOCK_BYTES + (offsetBytes % BlockId.BLOCK_BYTES == 0 ? 0 : 1);
  }
}
