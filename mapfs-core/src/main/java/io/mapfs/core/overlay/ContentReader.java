package io.mapfs.core.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.Change;
import io.mapfs.core.tree.RepositoryTree;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads regular files: splits a read by where its bytes are, under the locks, and fetches them
 * without.
 */
final class ContentReader {
  private static final int PAGE_BYTES = Change.PAGE_BYTES;
  private static final int BLOCK_PAGES = BlockExtent.PAGES;

  /** A run of bytes of a read, all from one place. */
  private static final class ReadPiece {
    final PageSource.Kind source;
    final long offsetBytes;
    long lengthBytes;
    final long slot;
    final PageSegment segment;
    final BlockId block;

    ReadPiece(
        PageSource.Kind source, long offsetBytes, long slot, PageSegment segment, BlockId block) {
      this.source = source;
      this.offsetBytes = offsetBytes;
      this.slot = slot;
      this.segment = segment;
      this.block = block;
    }
  }

  private final OverlayTree tree;
  private final PageLog pageLog;
  private final ContentPages pages;
  private final SourceReader sources;

  ContentReader(OverlayTree tree, PageLog pageLog, ContentPages pages, SourceReader sources) {
    this.tree = tree;
    this.pageLog = pageLog;
    this.pages = pages;
    this.sources = sources;
  }

  /**
   * Reads into the buffer up to its remaining bytes; fewer only at the end of the file.
   *
   * @return the number of bytes read
   */
  int read(RequestContext context, long ino, long offsetBytes, ByteBuffer target)
      throws FsException {
    if (offsetBytes < 0) {
      throw new FsException(Errno.EINVAL, "read before the start");
    }
    int start = target.position();
    int slot = RepositoryTree.NONE;
    int baseVersion = 0;
    long baseLimitBytes = 0;
    long sizeBytes;
    List<ReadPiece> plan = null;
    tree.lock.readLock().lock();
    try {
      pages.requireRegular(ino);
      OverlayInode inode = tree.own(ino);
      if (inode == null) {
        slot = tree.baseSlot(ino);
        sizeBytes = tree.base.attributes(slot).sizeBytes();
      } else {
        synchronized (inode) {
          if (inode.ownData) {
            sizeBytes = inode.sizeBytes;
            baseVersion = inode.baseVersion;
            baseLimitBytes = inode.baseLimitBytes;
            long end = Math.min(sizeBytes, offsetBytes + target.remaining());
            plan = plan(inode, offsetBytes, end);
          } else {
            slot = tree.inheritedSlot(inode);
            sizeBytes = tree.base.attributes(slot).sizeBytes();
          }
        }
      }
    } finally {
      tree.lock.readLock().unlock();
    }
    long length = Math.min(target.remaining(), sizeBytes - offsetBytes);
    if (length <= 0) {
      release(plan, 0);
      return 0;
    }
    int limit = target.limit();
    try {
      if (plan == null) {
        target.limit(start + (int) length);
        sources.readBase(context, tree.base, slot, offsetBytes, target);
      } else {
        execute(context, plan, ino, baseVersion, baseLimitBytes, target);
      }
    } finally {
      target.limit(limit);
    }
    return (int) length;
  }

  /** Splits a range of an own file by where its bytes are. Own slots are pinned. */
  private List<ReadPiece> plan(OverlayInode inode, long offsetBytes, long endBytes)
      throws FsException {
    tree.extents(inode);
    List<ReadPiece> plan = new ArrayList<>();
    long at = offsetBytes;
    try {
      while (at < endBytes) {
        long page = at / PAGE_BYTES;
        int inBlock = (int) (page % BLOCK_PAGES);
        BlockExtent extent = inode.extent(page / BLOCK_PAGES);
        PageSource.Kind source = PageSource.kind(extent, inBlock);
        int count = 1;
        long slot = 0;
        PageSegment segment = null;
        if (source == PageSource.Kind.OWN) {
          slot = extent.slot(inBlock);
          count = extent.contiguous(inBlock);
          segment = pageLog.pin(slot);
        } else {
          while (inBlock + count < BLOCK_PAGES
              && PageSource.kind(extent, inBlock + count) == source) {
            count++;
          }
        }
        long end = Math.min(endBytes, (page + count) * PAGE_BYTES);
        ReadPiece last = plan.isEmpty() ? null : plan.get(plan.size() - 1);
        boolean joins = last != null && last.source == source && source != PageSource.Kind.OWN;
        if (joins && source != PageSource.Kind.REMOTE) {
          last.lengthBytes += end - at;
        } else {
          ReadPiece piece = new ReadPiece(source, at, slot, segment, extent.remote());
          piece.lengthBytes = end - at;
          plan.add(piece);
        }
        at = end;
      }
    } catch (FsException | RuntimeException e) {
      release(plan, 0);
      throw e;
    }
    return plan;
  }

  private static void release(List<ReadPiece> plan, int from) {
    if (plan != null) {
      for (ReadPiece piece : plan.subList(from, plan.size())) {
        if (piece.segment != null) {
          piece.segment.unpin();
        }
      }
    }
  }

  private void execute(
      RequestContext context,
      List<ReadPiece> plan,
      long ino,
      int baseVersion,
      long baseLimitBytes,
      ByteBuffer target)
      throws FsException {
    int done = 0;
    try {
      for (ReadPiece piece : plan) {
        target.limit(target.position() + (int) piece.lengthBytes);
        switch (piece.source) {
          case OWN -> {
            long position = PageLog.positionOf(piece.slot) + piece.offsetBytes % PAGE_BYTES;
            piece.segment.read(position, target);
          }
          case ZERO -> SourceReader.zero(target);
          case REMOTE -> {
            int within = (int) (piece.offsetBytes % BlockId.BLOCK_BYTES);
            sources.readRemote(context, piece.block, within, target);
          }
          case BASE ->
              sources.readInherited(
                  context, ino, baseVersion, baseLimitBytes, piece.offsetBytes, target);
        }
        if (piece.segment != null) {
          piece.segment.unpin();
        }
        done++;
      }
    } finally {
      release(plan, done);
    }
  }
}
