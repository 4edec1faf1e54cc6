package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.journal.RecordLimits;
import java.nio.ByteBuffer;

/**
 * Writes regular files.
 *
 * <p>A change of content goes in three steps, so that no lock is held while blocks are read or the
 * page log is written: under the locks, look at the pages at the edges; without, fetch them and
 * write everything to fresh slots; under the locks again, check that the edges are as they were
 * (else start anew), and publish. A small write into a page that this batch owns already is done in
 * place, under the locks.
 */
final class ContentWriter {
  private static final int PAGE_BYTES = Change.PAGE_BYTES;
  private static final int BLOCK_PAGES = BlockExtent.PAGES;

  /** Most bytes that are published at once. */
  private static final int PIECE_BYTES = 1 << 20;

  private final OverlayTree tree;
  private final Batches batches;
  private final PageLog pageLog;
  private final ContentPages pages;
  private final SourceReader sources;
  private final Quota quota;
  private final Privileges privileges;

  ContentWriter(
      OverlayTree tree,
      Batches batches,
      PageLog pageLog,
      ContentPages pages,
      SourceReader sources,
      Quota quota,
      Privileges privileges) {
    this.tree = tree;
    this.batches = batches;
    this.pageLog = pageLog;
    this.pages = pages;
    this.sources = sources;
    this.quota = quota;
    this.privileges = privileges;
  }

  int write(
      RequestContext context, long ino, long offsetBytes, ByteBuffer source, boolean clearSetid)
      throws FsException {
    int count = source.remaining();
    if (offsetBytes < 0) {
      throw new FsException(Errno.EINVAL, "write before the start");
    }
    tree.lock.readLock().lock();
    try {
      pages.requireRegular(ino);
    } finally {
      tree.lock.readLock().unlock();
    }
    if (count == 0) {
      return 0;
    }
    if (offsetBytes > RecordLimits.MAX_FILE_BYTES - count) {
      throw new FsException(Errno.EFBIG, "write");
    }
    int done = 0;
    while (done < count) {
      long at = offsetBytes + done;
      int length = (int) Math.min(count - done, PIECE_BYTES - at % PAGE_BYTES);
      ByteBuffer piece = source.slice(source.position() + done, length);
      try {
        batches.enter(context, length);
        try {
          writePiece(context, ino, at, piece, clearSetid);
        } finally {
          batches.leave(length);
        }
      } catch (FsException e) {
        if (done == 0) {
          throw e;
        }
        break;
      }
      done += length;
    }
    source.position(source.position() + done);
    return done;
  }

  /** Writes at most {@link #PIECE_BYTES} from one page to another, as one. */
  private void writePiece(
      RequestContext context, long ino, long offsetBytes, ByteBuffer source, boolean clearSetid)
      throws FsException {
    pages.ensureOwnData(ino);
    long endBytes = offsetBytes + source.remaining();
    long firstPage = offsetBytes / PAGE_BYTES;
    long lastPage = (endBytes - 1) / PAGE_BYTES;
    int pageCount = (int) (lastPage - firstPage + 1);
    boolean headPartial =
        offsetBytes % PAGE_BYTES != 0 || (pageCount == 1 && endBytes % PAGE_BYTES != 0);
    boolean tailPartial = pageCount > 1 && endBytes % PAGE_BYTES != 0;
    while (true) {
      PageSource head = null;
      PageSource tail = null;
      boolean full = false;
      tree.lock.readLock().lock();
      try {
        OverlayInode inode = pages.requireOwnData(ino);
        synchronized (inode) {
          tree.extents(inode);
          // Refused before anything is fetched; granted below, when it is known to be needed.
          quota.settle(quota.grant(inode, firstPage, lastPage));
          if (pageCount == 1 && headPartial && isOpenOwn(inode, firstPage)) {
            if (tree.reserve(4, xattrBytes(inode, clearSetid), 0)) {
              long slot =
                  inode.extent(firstPage / BLOCK_PAGES).slot((int) (firstPage % BLOCK_PAGES));
              pageLog.write(slot, (int) (offsetBytes % PAGE_BYTES), source.duplicate());
              inode.inPlaceWrites++;
              written(context, inode, endBytes, clearSetid);
              return;
            }
            full = true;
          }
          if (headPartial) {
            head = PageSource.of(inode, firstPage, tree.batchNumber());
          }
          if (tailPartial) {
            tail = PageSource.of(inode, lastPage, tree.batchNumber());
          }
        }
      } finally {
        tree.lock.readLock().unlock();
      }
      if (full) {
        batches.cut();
        continue;
      }
      long slot = pageLog.allocate(pageCount);
      boolean published = false;
      try {
        published =
            fill(context, ino, slot, offsetBytes, source, head, tail, pageCount)
                && publish(
                    context, ino, firstPage, pageCount, slot, endBytes, head, tail, clearSetid);
      } finally {
        if (!published) {
          pageLog.abandon(slot, pageCount);
        }
      }
      if (published) {
        return;
      }
    }
  }

  /**
   * Writes whole pages to fresh slots: the bytes given, and around them what the edges had.
   *
   * @return false if an edge is not where it was
   */
  private boolean fill(
      RequestContext context,
      long ino,
      long slot,
      long offsetBytes,
      ByteBuffer source,
      PageSource head,
      PageSource tail,
      int pageCount)
      throws FsException {
    if (head == null && tail == null) {
      pageLog.write(slot, 0, source.duplicate());
      return true;
    }
    long firstPage = offsetBytes / PAGE_BYTES;
    int within = (int) (offsetBytes % PAGE_BYTES);
    ByteBuffer whole = ByteBuffer.allocate(pageCount * PAGE_BYTES);
    if (head != null && !sources.fetch(context, ino, firstPage, head, whole.slice(0, PAGE_BYTES))) {
      return false;
    }
    int last = pageCount - 1;
    if (tail != null
        && !sources.fetch(
            context, ino, firstPage + last, tail, whole.slice(last * PAGE_BYTES, PAGE_BYTES))) {
      return false;
    }
    whole.position(within);
    whole.put(source.duplicate());
    pageLog.write(slot, 0, whole.clear());
    return true;
  }

  private boolean publish(
      RequestContext context,
      long ino,
      long firstPage,
      int pageCount,
      long slot,
      long endBytes,
      PageSource head,
      PageSource tail,
      boolean clearSetid)
      throws FsException {
    while (true) {
      tree.lock.readLock().lock();
      try {
        OverlayInode inode = pages.requireOwnData(ino);
        synchronized (inode) {
          tree.extents(inode);
          long lastPage = firstPage + pageCount - 1;
          if ((head != null && !head.equals(PageSource.of(inode, firstPage, tree.batchNumber())))
              || (tail != null
                  && !tail.equals(PageSource.of(inode, lastPage, tree.batchNumber())))) {
            return false;
          }
          long granted = quota.grant(inode, firstPage, lastPage);
          try {
            if (tree.reserve(4, xattrBytes(inode, clearSetid), pageCount)) {
              pages.put(inode, firstPage, pageCount, slot);
              written(context, inode, endBytes, clearSetid);
              return true;
            }
          } finally {
            quota.settle(granted);
          }
        }
      } finally {
        tree.lock.readLock().unlock();
      }
      batches.cut();
    }
  }

  private int xattrBytes(OverlayInode inode, boolean clearSetid) throws FsException {
    return clearSetid ? RecordCodec.encodedBytes(tree.xattrs(inode.ino)) : 0;
  }

  private void written(
      RequestContext context, OverlayInode inode, long endBytes, boolean clearSetid)
      throws FsException {
    inode.sizeBytes = Math.max(inode.sizeBytes, endBytes);
    if (clearSetid) {
      privileges.clear(inode);
    }
    pages.touch(context, inode);
    tree.changed(inode);
  }

  private boolean isOpenOwn(OverlayInode inode, long page) {
    return inode
        .extent(page / BLOCK_PAGES)
        .isOpenOwn((int) (page % BLOCK_PAGES), tree.batchNumber());
  }
}
