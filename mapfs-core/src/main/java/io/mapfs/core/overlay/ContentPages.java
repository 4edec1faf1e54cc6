package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.Change;

/** A file's own pages: what the writers, the resizer and the holes share. */
final class ContentPages {
  private static final int PAGE_BYTES = Change.PAGE_BYTES;
  private static final int BLOCK_PAGES = BlockExtent.PAGES;

  private final OverlayTree tree;
  private final Batches batches;
  private final PageLog pageLog;
  private final FileClock clock;

  ContentPages(OverlayTree tree, Batches batches, PageLog pageLog, FileClock clock) {
    this.tree = tree;
    this.batches = batches;
    this.pageLog = pageLog;
    this.clock = clock;
  }

  /** Refuses what is no regular file. The caller holds the tree lock. */
  void requireRegular(long ino) throws FsException {
    FileType type = tree.type(ino);
    if (type == FileType.DIRECTORY) {
      throw new FsException(Errno.EISDIR, "a directory");
    }
    if (type != FileType.REGULAR) {
      throw new FsException(Errno.EINVAL, "not a regular file");
    }
  }

  /** Makes a regular file's data own, if it is not yet. Takes the tree lock. */
  void ensureOwnData(long ino) throws FsException {
    tree.lock.readLock().lock();
    try {
      OverlayInode inode = tree.own(ino);
      if (inode != null && inode.ownData) {
        return;
      }
    } finally {
      tree.lock.readLock().unlock();
    }
    tree.lock.writeLock().lock();
    try {
      batches.reserve(2, 0, 0);
      OverlayInode inode = tree.copyUp(ino);
      tree.ownData(inode);
      tree.changed(inode);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  /** The inode, whose data is own; ESTALE if it went meanwhile. The caller holds the tree lock. */
  OverlayInode requireOwnData(long ino) throws FsException {
    OverlayInode inode = tree.own(ino);
    if (inode == null || !inode.ownData) {
      throw new FsException(Errno.ESTALE, "inode " + ino + " is gone");
    }
    return inode;
  }

  /** The content changed now, unless the caller says when. Monitor, or exclusive. */
  void touch(RequestContext context, OverlayInode inode) {
    if (!context.keepsTimes()) {
      inode.mtime = clock.now();
      inode.ctime = inode.mtime;
    }
  }

  /** Names written slots in the file's extents. Monitor, or exclusive. */
  void put(OverlayInode inode, long firstPage, int pages, long slot) {
    long batch = tree.batchNumber();
    pageLog.publish(slot, pages, batch);
    int done = 0;
    while (done < pages) {
      long page = firstPage + done;
      long block = page / BLOCK_PAGES;
      int first = (int) (page % BLOCK_PAGES);
      int count = Math.min(pages - done, BLOCK_PAGES - first);
      BlockExtent old = inode.extent(block);
      tree.setExtent(inode, block, old.withOwn(first, count, slot + done, batch));
      tree.releaseSlots(old, BlockExtent.mask(first, count));
      inode.dirtyBlocks.add(block);
      done += count;
    }
  }

  /** Drops everything from a byte on; its page keeps what the caller puts there. Exclusive. */
  void truncate(OverlayInode inode, long cutBytes) {
    long firstGone = (cutBytes + PAGE_BYTES - 1) / PAGE_BYTES;
    long edgeBlock = firstGone / BLOCK_PAGES;
    int inBlock = (int) (firstGone % BLOCK_PAGES);
    long[] blocks = inode.extents.keySet().stream().mapToLong(Long::longValue).toArray();
    for (long block : blocks) {
      if (block < edgeBlock) {
        continue;
      }
      BlockExtent old = inode.extent(block);
      boolean kept = block == edgeBlock && inBlock > 0;
      int gone = kept ? BlockExtent.mask(inBlock, BLOCK_PAGES - inBlock) : -1;
      tree.setExtent(inode, block, kept ? old.truncated(inBlock) : BlockExtent.NONE);
      tree.releaseSlots(old, gone);
      if (!kept) {
        inode.dirtyBlocks.remove(block);
      }
    }
    inode.truncatedPage = Math.min(inode.truncatedPage, firstGone);
    inode.baseLimitBytes = Math.min(inode.baseLimitBytes, cutBytes);
    if (inode.baseLimitBytes == 0) {
      inode.baseVersion = 0;
    }
  }

  /** From this page on the file is zeros, whatever its size. */
  static long contentEnd(OverlayInode inode) {
    long end = (inode.baseLimitBytes + PAGE_BYTES - 1) / PAGE_BYTES;
    for (long block : inode.extents.keySet()) {
      end = Math.max(end, (block + 1) * BLOCK_PAGES);
    }
    return end;
  }
}
