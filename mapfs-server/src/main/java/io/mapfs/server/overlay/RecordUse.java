package io.mapfs.server.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.server.store.Blocks;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a record adds to an overlay's own pages and created inodes, in bytes as its node counts them
 * for its quota: worked out without folding it. Never more than the node counts. Belongs to one
 * record and the holder of the fold lock.
 */
final class RecordUse {
  private static final int BLOCK_PAGES = BlockId.BLOCK_BYTES / Change.PAGE_BYTES;

  private final OverlayRows rows;
  private final long overlayId;
  private final long sequence;
  private final Blocks blocks;

  /** Own pages of the blocks that the record touches, one bit a page, the first lowest. */
  private final TreeMap<RowKey, Integer> ownPages = new TreeMap<>();

  /** Whether the created inodes that it touches are there. */
  private final Map<Long, Boolean> created = new HashMap<>();

  /**
   * @param sequence the record before it, at which the rows stand
   */
  RecordUse(OverlayRows rows, long overlayId, long sequence, Blocks blocks) {
    this.rows = rows;
    this.overlayId = overlayId;
    this.sequence = sequence;
    this.blocks = blocks;
  }

  /** Most that a record can add, whatever there is. */
  static long mostBytes(JournalRecord record) {
    long bytes = 0;
    for (Change change : record.changes()) {
      if (change instanceof Change.WritePages write) {
        bytes += (long) write.pageCount() * Change.PAGE_BYTES;
      } else if (change instanceof Change.PutBlock put && put.id() != null) {
        bytes += BlockId.BLOCK_BYTES;
      } else if (change instanceof Change.PutInode put && NodeId.isOverlayIno(put.ino())) {
        bytes += InodeState.QUOTA_BYTES;
      }
    }
    return bytes;
  }

  /** What the record adds; less than nothing if it frees more. */
  long bytes(JournalRecord record) throws IOException {
    for (Change change : record.changes()) {
      apply(change);
    }
    long bytes = 0;
    for (Map.Entry<RowKey, Integer> block : ownPages.entrySet()) {
      Row before = rows.get(block.getKey(), sequence);
      bytes += (long) Integer.bitCount(block.getValue()) * Change.PAGE_BYTES;
      bytes -= before == null ? 0 : before.ownBytes();
    }
    for (Map.Entry<Long, Boolean> inode : created.entrySet()) {
      boolean before = rows.get(RowKey.inode(overlayId, inode.getKey()), sequence) != null;
      bytes += ((inode.getValue() ? 1 : 0) - (before ? 1 : 0)) * (long) InodeState.QUOTA_BYTES;
    }
    return bytes;
  }

  private void apply(Change change) throws IOException {
    if (change instanceof Change.DropInode drop) {
      disown(drop.ino(), 0, Long.MAX_VALUE);
      noteInode(drop.ino(), false);
    } else if (change instanceof Change.PutInode put) {
      noteInode(put.ino(), true);
    } else if (change instanceof Change.TruncatePages truncate) {
      disown(truncate.ino(), truncate.firstPage(), Long.MAX_VALUE);
    } else if (change instanceof Change.ZeroPages zero) {
      disown(zero.ino(), zero.firstPage(), zero.firstPage() + zero.pageCount());
    } else if (change instanceof Change.WritePages write) {
      own(write.ino(), write.firstPage(), write.firstPage() + write.pageCount());
    } else if (change instanceof Change.PutBlock put) {
      ownPages.put(
          RowKey.block(overlayId, put.ino(), put.blockIndex()),
          put.id() == null ? 0 : Row.pages(0, blocks.stored(put.id()).rawBytes()));
    }
  }

  private void noteInode(long ino, boolean there) {
    if (NodeId.isOverlayIno(ino)) {
      created.put(ino, there);
    }
  }

  private void own(long ino, long firstPage, long endPage) throws IOException {
    for (long block = firstPage / BLOCK_PAGES; block * BLOCK_PAGES < endPage; block++) {
      RowKey key = RowKey.block(overlayId, ino, block);
      ownPages.put(key, pagesOf(key) | within(block, firstPage, endPage));
    }
  }

  private void disown(long ino, long firstPage, long endPage) throws IOException {
    long firstBlock = firstPage / BLOCK_PAGES;
    long lastBlock = (endPage - 1) / BLOCK_PAGES;
    Set<RowKey> touched =
        new TreeSet<>(
            ownPages
                .subMap(
                    RowKey.block(overlayId, ino, firstBlock),
                    true,
                    RowKey.block(overlayId, ino, lastBlock),
                    true)
                .keySet());
    rows.scanInode(
        overlayId,
        RowKey.BLOCK,
        ino,
        sequence,
        (key, row) -> {
          if (key.blockIndex() >= firstBlock && key.blockIndex() <= lastBlock) {
            touched.add(key);
          }
          return key.blockIndex() < lastBlock;
        });
    for (RowKey key : touched) {
      ownPages.put(key, pagesOf(key) & ~within(key.blockIndex(), firstPage, endPage));
    }
  }

  private int pagesOf(RowKey key) throws IOException {
    Integer pages = ownPages.get(key);
    if (pages != null) {
      return pages;
    }
    return rows.get(key, sequence) instanceof Row.Block block ? block.pages() : 0;
  }

  /** The pages of a block that lie in a range of the file's. */
  private static int within(long block, long firstPage, long endPage) {
    long start = block * BLOCK_PAGES;
    int from = (int) Math.max(0, firstPage - start);
    int end = (int) Math.min(BLOCK_PAGES, endPage - start);
    return Row.pages(from * Change.PAGE_BYTES, end * Change.PAGE_BYTES);
  }
}
