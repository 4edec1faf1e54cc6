package io.mapfs.core.overlay;

import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.Change;
import java.nio.ByteBuffer;

/** Changes a file's length and makes holes, in the steps of {@link ContentWriter}. */
final class ContentResizer {
  private static final int PAGE_BYTES = Change.PAGE_BYTES;
  private static final int BLOCK_PAGES = BlockExtent.PAGES;

  private final OverlayTree tree;
  private final Batches batches;
  private final PageLog pageLog;
  private final ContentPages pages;
  private final SourceReader sources;
  private final ContentWriter writer;
  private final FileClock clock;

  ContentResizer(
      OverlayTree tree,
      Batches batches,
      PageLog pageLog,
      ContentPages pages,
      SourceReader sources,
      ContentWriter writer,
      FileClock clock) {
    this.tree = tree;
    this.batches = batches;
    this.pageLog = pageLog;
    this.pages = pages;
    this.sources = sources;
    this.writer = writer;
    this.clock = clock;
  }

  /**
   * Sets a file's length. Bytes of the last page past a new, smaller end become zeros; where the
   * base has them, they are hidden without being read.
   */
  void resize(RequestContext context, long ino, long sizeBytes) throws FsException {
    cutOff(context, ino, sizeBytes, sizeBytes, /* touch= */ true);
  }

  /** Makes everything from {@code cutBytes} on zeros, and gives the file this length, as one. */
  private void cutOff(
      RequestContext context, long ino, long cutBytes, long sizeBytes, boolean touch)
      throws FsException {
    batches.awaitRoom(context);
    pages.ensureOwnData(ino);
    int within = (int) (cutBytes % PAGE_BYTES);
    long edgePage = cutBytes / PAGE_BYTES;
    while (true) {
      PageSource edge = null;
      tree.lock.readLock().lock();
      try {
        OverlayInode inode = pages.requireOwnData(ino);
        synchronized (inode) {
          tree.extents(inode);
          if (within != 0 && cutBytes < inode.sizeBytes) {
            PageSource source = PageSource.of(inode, edgePage, tree.batchNumber());
            edge = source.isContent() ? source : null;
          }
        }
      } finally {
        tree.lock.readLock().unlock();
      }
      long slot = -1;
      boolean done = false;
      try {
        if (edge != null) {
          ByteBuffer page = ByteBuffer.allocate(PAGE_BYTES);
          sources.fetch(context, ino, edgePage, edge, page);
          SourceReader.zero(page.position(within).limit(PAGE_BYTES));
          slot = pageLog.allocate(1);
          pageLog.write(slot, 0, page.clear());
        }
        done = publishSize(ino, cutBytes, sizeBytes, edge, slot, touch);
      } finally {
        if (slot >= 0 && !done) {
          pageLog.abandon(slot, 1);
        }
      }
      if (done) {
        return;
      }
    }
  }

  private boolean publishSize(
      long ino, long cutBytes, long sizeBytes, PageSource edge, long slot, boolean touch)
      throws FsException {
    long edgePage = cutBytes / PAGE_BYTES;
    int within = (int) (cutBytes % PAGE_BYTES);
    tree.lock.writeLock().lock();
    try {
      batches.reserve(6, 0, 1);
      OverlayInode inode = pages.requireOwnData(ino);
      tree.extents(inode);
      if (cutBytes < inode.sizeBytes) {
        PageSource now = within == 0 ? null : PageSource.of(inode, edgePage, tree.batchNumber());
        boolean needsEdge = now != null && now.isContent();
        if (needsEdge ? !now.equals(edge) : edge != null) {
          return false;
        }
        pages.truncate(inode, cutBytes);
        if (edge != null) {
          pages.put(inode, edgePage, 1, slot);
        }
      } else if (edge != null) {
        return false;
      }
      inode.sizeBytes = sizeBytes;
      if (touch) {
        inode.mtime = clock.now();
        inode.ctime = inode.mtime;
      }
      tree.changed(inode);
      return true;
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  void allocate(RequestContext context, long ino, int mode, long offsetBytes, long lengthBytes)
      throws FsException {
    boolean keepSize = (mode & FileSystemOperations.FALLOC_KEEP_SIZE) != 0;
    boolean zeroes =
        (mode & (FileSystemOperations.FALLOC_PUNCH_HOLE | FileSystemOperations.FALLOC_ZERO_RANGE))
            != 0;
    batches.awaitRoom(context);
    pages.ensureOwnData(ino);
    long endBytes = offsetBytes + lengthBytes;
    long sizeBytes;
    tree.lock.readLock().lock();
    try {
      OverlayInode inode = pages.requireOwnData(ino);
      synchronized (inode) {
        sizeBytes = inode.sizeBytes;
      }
    } finally {
      tree.lock.readLock().unlock();
    }
    if (zeroes) {
      zeroRange(context, ino, offsetBytes, Math.min(endBytes, sizeBytes), sizeBytes);
    }
    tree.lock.writeLock().lock();
    try {
      batches.reserve(2, 0, 0);
      OverlayInode inode = pages.requireOwnData(ino);
      if (!keepSize) {
        inode.sizeBytes = Math.max(inode.sizeBytes, endBytes);
      }
      FileTime now = clock.now();
      inode.mtime = now;
      inode.ctime = now;
      tree.changed(inode);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  private void zeroRange(
      RequestContext context, long ino, long fromBytes, long toBytes, long sizeBytes)
      throws FsException {
    if (fromBytes >= toBytes) {
      return;
    }
    if (toBytes == sizeBytes) {
      // To the end: cut off and grown again, which costs nothing whatever the range's size.
      cutOff(context, ino, fromBytes, sizeBytes, /* touch= */ false);
      return;
    }
    long firstWhole = (fromBytes + PAGE_BYTES - 1) / PAGE_BYTES;
    long endWhole = toBytes / PAGE_BYTES;
    if (firstWhole > endWhole) {
      zeroPart(context, ino, fromBytes, toBytes);
      return;
    }
    zeroPart(context, ino, fromBytes, firstWhole * PAGE_BYTES);
    zeroPart(context, ino, endWhole * PAGE_BYTES, toBytes);
    // In steps, so that the exclusive lock is never held for long.
    boolean more = true;
    for (long page = firstWhole; more && page < endWhole; ) {
      long end = Math.min(endWhole, page + 1_024L * BLOCK_PAGES);
      more = zeroPages(ino, page, end);
      page = end;
    }
  }

  private void zeroPart(RequestContext context, long ino, long fromBytes, long toBytes)
      throws FsException {
    if (fromBytes < toBytes) {
      ByteBuffer zeros = ByteBuffer.allocate((int) (toBytes - fromBytes));
      writer.writePiece(
          context, ino, fromBytes, zeros, /* clearSetid= */ false, /* touch= */ false);
    }
  }

  /** Zeroes pages; false if nothing but zeros comes after them. */
  private boolean zeroPages(long ino, long firstPage, long endPage) throws FsException {
    tree.lock.writeLock().lock();
    try {
      batches.reserve(4, 0, 0);
      OverlayInode inode = pages.requireOwnData(ino);
      tree.extents(inode);
      long end = Math.min(endPage, ContentPages.contentEnd(inode));
      for (long page = firstPage; page < end; ) {
        long block = page / BLOCK_PAGES;
        int first = (int) (page % BLOCK_PAGES);
        int count = (int) Math.min(BLOCK_PAGES - first, end - page);
        BlockExtent old = inode.extent(block);
        if (!old.isNone() || page * PAGE_BYTES < inode.baseLimitBytes) {
          int zeroed = BlockExtent.mask(first, count);
          tree.setExtent(inode, block, old.withZeros(zeroed, tree.batchNumber()));
          tree.releaseSlots(old, zeroed);
          inode.dirtyBlocks.add(block);
        }
        page += count;
      }
      tree.changed(inode);
      return end == endPage;
    } finally {
      tree.lock.writeLock().unlock();
    }
  }
}
