package io.mapfs.server.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.Change;
import io.mapfs.server.store.Blocks;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/**
 * Folds records of one overlay into its rows: pages are merged over the block that was there
 * before, changes become row versions at the last record's sequence. The holder of the overlay's
 * fold lock calls it.
 */
final class Folder {
  private final OverlayRows rows;
  private final long overlayId;
  private final Blocks blocks;
  private final OwnBlocks own;
  private final FoldStaging.VersionTrees trees;
  private final Retained retained;

  Folder(
      OverlayRows rows,
      long overlayId,
      Blocks blocks,
      OwnBlocks own,
      FoldStaging.VersionTrees trees,
      Retained retained) {
    this.rows = rows;
    this.overlayId = overlayId;
    this.blocks = blocks;
    this.own = own;
    this.trees = trees;
    this.retained = retained;
  }

  /**
   * Folds consecutive records, the first of which follows {@code position}.
   *
   * @return the new position, which is written with the rows
   */
  HeadPosition fold(HeadPosition position, List<JournalLog.Stored> records) throws IOException {
    FoldStaging staging = new FoldStaging(rows, overlayId, position.sequence(), trees, blocks, own);
    long nextIno = position.nextIno();
    long nextCookie = position.nextCookie();
    for (JournalLog.Stored stored : records) {
      ByteBuffer pages = stored.pages().duplicate();
      for (Change change : stored.record().changes()) {
        apply(staging, change, pages);
        if (change instanceof Change.PutInode put && NodeId.isOverlayIno(put.ino())) {
          nextIno = Math.max(nextIno, put.ino() + 1);
        } else if (change instanceof Change.PutDentry put) {
          nextCookie = Math.max(nextCookie, put.cookie() + 1);
          nextIno = NodeId.isOverlayIno(put.ino()) ? Math.max(nextIno, put.ino() + 1) : nextIno;
        }
      }
    }
    JournalLog.Stored last = records.get(records.size() - 1);
    Map<RowKey, Row> changed = staging.finish();
    // Before the rows that name them, or a power cut could leave rows without their blocks.
    blocks.sync();
    try (RowBatch batch = new RowBatch(rows, overlayId, last.record().sequence(), retained)) {
      for (Map.Entry<RowKey, Row> entry : changed.entrySet()) {
        batch.put(entry.getKey(), entry.getValue());
      }
      HeadPosition folded =
          new HeadPosition(
              last.record().sequence(),
              last.hash(),
              position.headEpoch(),
              position.version(),
              position.entries() + batch.entriesDelta(),
              position.ownBytes() + batch.ownBytesDelta(),
              nextIno,
              nextCookie,
              null,
              position.createdInodes() + batch.createdInodesDelta());
      batch.position(folded);
      batch.write(false);
      return folded;
    }
  }

  private void apply(FoldStaging staging, Change change, ByteBuffer pages) throws IOException {
    if (change instanceof Change.DropInode drop) {
      staging.dropInode(drop.ino());
    } else if (change instanceof Change.PutInode put) {
      staging.put(RowKey.inode(overlayId, put.ino()), new Row.Inode(put.state()));
    } else if (change instanceof Change.PutXattrs put) {
      staging.put(RowKey.xattrs(overlayId, put.ino()), new Row.Xattrs(put.xattrs()));
    } else if (change instanceof Change.TruncatePages truncate) {
      staging.truncate(truncate.ino(), truncate.firstPage() * Change.PAGE_BYTES);
    } else if (change instanceof Change.ZeroPages zero) {
      staging.zero(
          zero.ino(), zero.firstPage() * Change.PAGE_BYTES, zero.pageCount() * Change.PAGE_BYTES);
    } else if (change instanceof Change.WritePages write) {
      write(staging, write, pages);
    } else if (change instanceof Change.PutBlock put) {
      staging.put(RowKey.block(overlayId, put.ino(), put.blockIndex()), block(put.id()));
    } else if (change instanceof Change.PutDentry put) {
      staging.put(
          RowKey.dentry(overlayId, put.parentIno(), put.name()),
          new Row.Dentry(put.ino(), put.type(), put.cookie()));
    } else if (change instanceof Change.PutWhiteout put) {
      staging.put(RowKey.dentry(overlayId, put.parentIno(), put.name()), Row.Whiteout.INSTANCE);
    } else if (change instanceof Change.DropDentry drop) {
      staging.put(RowKey.dentry(overlayId, drop.parentIno(), drop.name()), Row.Gone.INSTANCE);
    }
  }

  private static void write(FoldStaging staging, Change.WritePages write, ByteBuffer pages)
      throws IOException {
    long offsetBytes = write.firstPage() * Change.PAGE_BYTES;
    long left = (long) write.pageCount() * Change.PAGE_BYTES;
    while (left > 0) {
      long inBlock = BlockId.BLOCK_BYTES - offsetBytes % BlockId.BLOCK_BYTES;
      int bytes = (int) Math.min(left, inBlock);
      staging.write(write.ino(), offsetBytes, pages, bytes);
      offsetBytes += bytes;
      left -= bytes;
    }
  }

  private Row block(BlockId id) throws IOException {
    if (id == null) {
      return Row.Zeros.INSTANCE;
    }
    StoredBlock stored = blocks.stored(id);
    return new Row.Block(id, stored.rawBytes(), true, Row.pages(0, stored.rawBytes()));
  }
}
