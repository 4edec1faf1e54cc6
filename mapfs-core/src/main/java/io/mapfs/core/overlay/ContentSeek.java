package io.mapfs.core.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.journal.Change;
import io.mapfs.core.tree.RepositoryTree;

/** SEEK_DATA and SEEK_HOLE. */
final class ContentSeek {
  private static final int PAGE_BYTES = Change.PAGE_BYTES;
  private static final int BLOCK_PAGES = BlockExtent.PAGES;

  private final OverlayTree tree;
  private final ContentPages pages;
  private final SourceReader sources;

  ContentSeek(OverlayTree tree, ContentPages pages, SourceReader sources) {
    this.tree = tree;
    this.pages = pages;
    this.sources = sources;
  }

  /** SEEK_DATA and SEEK_HOLE, by pages; of what is the base's, by its blocks. */
  long seek(long ino, long offsetBytes, int whence) throws FsException {
    boolean wantsData = whence == FileSystemOperations.SEEK_DATA;
    int baseVersion = tree.base.version();
    tree.lock.readLock().lock();
    try {
      pages.requireRegular(ino);
      OverlayInode inode = tree.own(ino);
      if (inode != null) {
        synchronized (inode) {
          baseVersion = inode.ownData ? inode.baseVersion : baseVersion;
        }
      }
    } finally {
      tree.lock.readLock().unlock();
    }
    RepositoryTree from = baseVersion == 0 ? tree.base : sources.version(baseVersion);
    tree.lock.readLock().lock();
    try {
      OverlayInode inode = tree.own(ino);
      if (inode == null) {
        int slot = tree.baseSlot(ino);
        long sizeBytes = tree.base.attributes(slot).sizeBytes();
        return seek(null, tree.base, slot, sizeBytes, sizeBytes, offsetBytes, wantsData);
      }
      synchronized (inode) {
        if (!inode.ownData) {
          int slot = tree.inheritedSlot(inode);
          long sizeBytes = tree.base.attributes(slot).sizeBytes();
          return seek(null, tree.base, slot, sizeBytes, sizeBytes, offsetBytes, wantsData);
        }
        tree.extents(inode);
        int slot = inode.baseLimitBytes == 0 ? RepositoryTree.NONE : from.slotOf(ino);
        return seek(
            inode, from, slot, inode.sizeBytes, inode.baseLimitBytes, offsetBytes, wantsData);
      }
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  private static long seek(
      OverlayInode inode,
      RepositoryTree from,
      int slot,
      long sizeBytes,
      long baseLimitBytes,
      long offsetBytes,
      boolean wantsData)
      throws FsException {
    if (offsetBytes < 0 || offsetBytes >= sizeBytes) {
      throw new FsException(Errno.ENXIO, "lseek past the end");
    }
    long endBytes = sizeBytes;
    if (inode != null) {
      endBytes = Math.min(sizeBytes, ContentPages.contentEnd(inode) * PAGE_BYTES);
    }
    for (long at = offsetBytes; at < endBytes; ) {
      long block = at / BlockId.BLOCK_BYTES;
      BlockExtent extent = inode == null ? BlockExtent.NONE : inode.extent(block);
      boolean baseHasBlock =
          slot != RepositoryTree.NONE
              && block < from.blockCount(slot)
              && from.block(slot, (int) block) != null;
      if (extent.isNone()) {
        long dataEnd =
            baseHasBlock ? Math.min((block + 1) * BlockId.BLOCK_BYTES, baseLimitBytes) : 0;
        boolean isData = at < dataEnd;
        if (isData == wantsData) {
          return at;
        }
        at = isData ? dataEnd : (block + 1) * BlockId.BLOCK_BYTES;
        continue;
      }
      int page = (int) (at / PAGE_BYTES % BLOCK_PAGES);
      boolean isData =
          switch (PageSource.kind(extent, page)) {
            case OWN, REMOTE -> true;
            case ZERO -> false;
            case BASE -> baseHasBlock && at < baseLimitBytes;
          };
      if (isData == wantsData) {
        return at;
      }
      at = (at / PAGE_BYTES + 1) * PAGE_BYTES;
    }
    if (wantsData) {
      throw new FsException(Errno.ENXIO, "no data before the end");
    }
    return endBytes < sizeBytes ? Math.max(offsetBytes, endBytes) : sizeBytes;
  }
}
