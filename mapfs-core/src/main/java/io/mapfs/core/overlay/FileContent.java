package io.mapfs.core.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.BlockReader;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.journal.RecordLimits;
import io.mapfs.core.tree.RepositoryTree;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Content of regular files: what is own in the page log, what is the base's, what is a remote
 * block's, what is zeros.
 *
 * <p>A change of content goes in three steps, so that no lock is held while blocks are read or the
 * page log is written: under the locks, look at the pages at the edges; without, fetch them and
 * write everything to fresh slots; under the locks again, check that the edges are as they were
 * (else start anew), and publish. A small write into a page that this batch owns already is done in
 * place, under the locks.
 */
final class FileContent {
  private static final Logger LOG = LoggerFactory.getLogger(FileContent.class);
  private static final int PAGE_BYTES = Change.PAGE_BYTES;
  private static final int BLOCK_PAGES = BlockExtent.PAGES;

  /** Most bytes that are published at once. */
  private static final int PIECE_BYTES = 1 << 20;

  private enum Source {
    OWN,
    ZERO,
    REMOTE,
    BASE
  }

  /**
   * Where bytes of one page come from.
   *
   * @param slot of an own page
   * @param block of a remote one
   * @param inPlaceWrites tells contents of one open slot apart
   * @param limitBytes where the base ends
   */
  private record PageSource(
      Source source,
      long slot,
      BlockId block,
      long inPlaceWrites,
      int baseVersion,
      long limitBytes) {}

  /** A run of bytes of a read, all from one place. */
  private static final class ReadPiece {
    final Source source;
    final long offsetBytes;
    long lengthBytes;
    final long slot;
    final PageSegment segment;
    final BlockId block;

    ReadPiece(Source source, long offsetBytes, long slot, PageSegment segment, BlockId block) {
      this.source = source;
      this.offsetBytes = offsetBytes;
      this.slot = slot;
      this.segment = segment;
      this.block = block;
    }
  }

  private final OverlayTree tree;
  private final OverlayFileSystem fileSystem;
  private final PageLog pageLog;
  private final Versions versions;
  private final BlockReader reader;
  private final ReadListener listener;
  private final ReadScope overlayScope;
  private final FileClock clock;
  private final long quotaPages;

  FileContent(
      OverlayFileSystem fileSystem,
      OverlayTree tree,
      PageLog pageLog,
      Versions versions,
      BlockReader reader,
      ReadListener listener,
      ReadScope overlayScope,
      FileClock clock,
      long quotaBytes) {
    this.fileSystem = fileSystem;
    this.tree = tree;
    this.pageLog = pageLog;
    this.versions = versions;
    this.reader = reader;
    this.listener = listener;
    this.overlayScope = overlayScope;
    this.clock = clock;
    this.quotaPages = quotaBytes == 0 ? Long.MAX_VALUE : quotaBytes / PAGE_BYTES;
  }

  // ---- reading ----

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
      requireRegular(ino);
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
        readBase(context, tree.base, slot, offsetBytes, target);
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
        Source source = source(extent, inBlock);
        int pages = 1;
        long slot = 0;
        PageSegment segment = null;
        if (source == Source.OWN) {
          slot = extent.slot(inBlock);
          pages = extent.contiguous(inBlock);
          segment = pageLog.pin(slot);
        } else {
          while (inBlock + pages < BLOCK_PAGES && source(extent, inBlock + pages) == source) {
            pages++;
          }
        }
        long end = Math.min(endBytes, (page + pages) * PAGE_BYTES);
        ReadPiece last = plan.isEmpty() ? null : plan.get(plan.size() - 1);
        boolean joins = last != null && last.source == source && source != Source.OWN;
        if (joins && source != Source.REMOTE) {
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

  private static Source source(BlockExtent extent, int page) {
    if (extent.isOwn(page)) {
      return Source.OWN;
    }
    if (extent.isZero(page)) {
      return Source.ZERO;
    }
    return extent.remote() != null ? Source.REMOTE : Source.BASE;
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
          case ZERO -> zero(target);
          case REMOTE -> {
            int within = (int) (piece.offsetBytes % BlockId.BLOCK_BYTES);
            reader.read(context, overlayScope, piece.block, within, target);
          }
          case BASE ->
              readInherited(context, ino, baseVersion, baseLimitBytes, piece.offsetBytes, target);
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

  /** Reads what an own file inherits: the base's bytes below the limit, then zeros. */
  private void readInherited(
      RequestContext context,
      long ino,
      int baseVersion,
      long limitBytes,
      long offsetBytes,
      ByteBuffer target)
      throws FsException {
    int end = target.limit();
    int visible = (int) Math.max(0, Math.min(target.remaining(), limitBytes - offsetBytes));
    if (visible > 0) {
      RepositoryTree from = version(baseVersion);
      int slot = from.slotOf(ino);
      if (slot == RepositoryTree.NONE || from.type(slot) != FileType.REGULAR) {
        LOG.error(
            "inode {} inherits content from version {} of {}, which does not have it",
            ino,
            baseVersion,
            from.master());
        throw new FsException(Errno.EIO, "inode " + ino + " has lost its base");
      }
      target.limit(target.position() + visible);
      readBase(context, from, slot, offsetBytes, target);
      target.limit(end);
    }
    zero(target);
  }

  private RepositoryTree version(int number) throws FsException {
    if (number == tree.base.version()) {
      return tree.base;
    }
    try {
      return versions.get(number);
    } catch (IOException e) {
      throw new FsException(Errno.EIO, "version " + number + " cannot be had", e);
    }
  }

  /** Fills the buffer from a version's file; what is past its end is zeros. */
  private void readBase(
      RequestContext context, RepositoryTree from, int slot, long offsetBytes, ByteBuffer target)
      throws FsException {
    int end = target.limit();
    long sizeBytes = from.attributes(slot).sizeBytes();
    long readEnd = Math.min(sizeBytes, offsetBytes + target.remaining());
    if (offsetBytes < readEnd) {
      int firstBlock = (int) (offsetBytes / BlockId.BLOCK_BYTES);
      listener.reading(from, slot, firstBlock, (int) ((readEnd - 1) / BlockId.BLOCK_BYTES));
      ReadScope scope = new ReadScope.Version(from.master(), from.version());
      long at = offsetBytes;
      while (at < readEnd) {
        int block = (int) (at / BlockId.BLOCK_BYTES);
        int within = (int) (at % BlockId.BLOCK_BYTES);
        int length = (int) Math.min(BlockId.BLOCK_BYTES - within, readEnd - at);
        BlockId id = from.block(slot, block);
        target.limit(target.position() + length);
        if (id == null) {
          zero(target);
        } else {
          reader.read(context, scope, id, within, target);
        }
        at += length;
      }
      target.limit(end);
    }
    zero(target);
  }

  private static void zero(ByteBuffer target) {
    while (target.remaining() >= Long.BYTES) {
      target.putLong(0);
    }
    while (target.hasRemaining()) {
      target.put((byte) 0);
    }
  }

  // ---- writing ----

  int write(
      RequestContext context, long ino, long offsetBytes, ByteBuffer source, boolean clearSetid)
      throws FsException {
    int count = source.remaining();
    if (offsetBytes < 0) {
      throw new FsException(Errno.EINVAL, "write before the start");
    }
    tree.lock.readLock().lock();
    try {
      requireRegular(ino);
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
        writePiece(context, ino, at, piece, clearSetid, !context.isWriteBack());
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
      RequestContext context,
      long ino,
      long offsetBytes,
      ByteBuffer source,
      boolean clearSetid,
      boolean touch)
      throws FsException {
    fileSystem.awaitRoom(context);
    fileSystem.ensureOwnData(ino);
    long endBytes = offsetBytes + source.remaining();
    long firstPage = offsetBytes / PAGE_BYTES;
    long lastPage = (endBytes - 1) / PAGE_BYTES;
    int pages = (int) (lastPage - firstPage + 1);
    boolean headPartial =
        offsetBytes % PAGE_BYTES != 0 || (pages == 1 && endBytes % PAGE_BYTES != 0);
    boolean tailPartial = pages > 1 && endBytes % PAGE_BYTES != 0;
    while (true) {
      PageSource head = null;
      PageSource tail = null;
      boolean full = false;
      tree.lock.readLock().lock();
      try {
        OverlayInode inode = ownData(ino);
        synchronized (inode) {
          tree.extents(inode);
          requireQuota(inode, firstPage, lastPage);
          if (pages == 1 && headPartial && isOpenOwn(inode, firstPage)) {
            if (tree.reserve(4, xattrBytes(inode, clearSetid), 0)) {
              long slot = extentOf(inode, firstPage).slot((int) (firstPage % BLOCK_PAGES));
              pageLog.write(slot, (int) (offsetBytes % PAGE_BYTES), source.duplicate());
              inode.inPlaceWrites++;
              written(inode, endBytes, clearSetid, touch);
              return;
            }
            full = true;
          }
          if (headPartial) {
            head = pageSource(inode, firstPage);
          }
          if (tailPartial) {
            tail = pageSource(inode, lastPage);
          }
        }
      } finally {
        tree.lock.readLock().unlock();
      }
      if (full) {
        fileSystem.cut();
        continue;
      }
      long slot = pageLog.allocate(pages);
      boolean published = false;
      try {
        fill(context, ino, slot, offsetBytes, source, head, tail, pages);
        published = publish(ino, firstPage, pages, slot, endBytes, head, tail, clearSetid, touch);
      } finally {
        if (!published) {
          pageLog.abandon(slot, pages);
        }
      }
      if (published) {
        return;
      }
    }
  }

  /** Writes whole pages to fresh slots: the bytes given, and around them what the edges had. */
  private void fill(
      RequestContext context,
      long ino,
      long slot,
      long offsetBytes,
      ByteBuffer source,
      PageSource head,
      PageSource tail,
      int pages)
      throws FsException {
    if (head == null && tail == null) {
      pageLog.write(slot, 0, source.duplicate());
      return;
    }
    long firstPage = offsetBytes / PAGE_BYTES;
    int within = (int) (offsetBytes % PAGE_BYTES);
    ByteBuffer whole = ByteBuffer.allocate(pages * PAGE_BYTES);
    if (head != null) {
      fetch(context, ino, firstPage, head, whole.slice(0, PAGE_BYTES));
    }
    if (tail != null) {
      int at = (pages - 1) * PAGE_BYTES;
      fetch(context, ino, firstPage + pages - 1, tail, whole.slice(at, PAGE_BYTES));
    }
    whole.position(within);
    whole.put(source.duplicate());
    pageLog.write(slot, 0, whole.clear());
  }

  private boolean publish(
      long ino,
      long firstPage,
      int pages,
      long slot,
      long endBytes,
      PageSource head,
      PageSource tail,
      boolean clearSetid,
      boolean touch)
      throws FsException {
    while (true) {
      tree.lock.readLock().lock();
      try {
        OverlayInode inode = ownData(ino);
        synchronized (inode) {
          tree.extents(inode);
          long lastPage = firstPage + pages - 1;
          if ((head != null && !head.equals(pageSource(inode, firstPage)))
              || (tail != null && !tail.equals(pageSource(inode, lastPage)))) {
            return false;
          }
          requireQuota(inode, firstPage, lastPage);
          if (tree.reserve(4, xattrBytes(inode, clearSetid), pages)) {
            putPages(inode, firstPage, pages, slot);
            written(inode, endBytes, clearSetid, touch);
            return true;
          }
        }
      } finally {
        tree.lock.readLock().unlock();
      }
      fileSystem.cut();
    }
  }

  private int xattrBytes(OverlayInode inode, boolean clearSetid) throws FsException {
    return clearSetid ? RecordCodec.encodedBytes(tree.xattrs(inode.ino)) : 0;
  }

  private void putPages(OverlayInode inode, long firstPage, int pages, long slot) {
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

  private void written(OverlayInode inode, long endBytes, boolean clearSetid, boolean touch)
      throws FsException {
    inode.sizeBytes = Math.max(inode.sizeBytes, endBytes);
    if (clearSetid) {
      fileSystem.clearSetidLocked(inode);
    }
    if (touch) {
      FileTime now = clock.now();
      inode.mtime = now;
      inode.ctime = now;
    }
    tree.changed(inode);
  }

  private void requireQuota(OverlayInode inode, long firstPage, long lastPage) throws FsException {
    if (quotaPages == Long.MAX_VALUE) {
      return;
    }
    long more = 0;
    for (long page = firstPage; page <= lastPage; page++) {
      Source source = source(extentOf(inode, page), (int) (page % BLOCK_PAGES));
      if (source == Source.BASE || source == Source.ZERO) {
        more++;
      }
    }
    if (more > 0 && tree.ownedPages.get() + more > quotaPages) {
      throw new FsException(Errno.ENOSPC, "the overlay's quota is used up");
    }
  }

  private OverlayInode ownData(long ino) throws FsException {
    OverlayInode inode = tree.own(ino);
    if (inode == null || !inode.ownData) {
      throw new FsException(Errno.ESTALE, "inode " + ino + " is gone");
    }
    return inode;
  }

  private static BlockExtent extentOf(OverlayInode inode, long page) {
    return inode.extent(page / BLOCK_PAGES);
  }

  private boolean isOpenOwn(OverlayInode inode, long page) {
    return extentOf(inode, page).isOpenOwn((int) (page % BLOCK_PAGES), tree.batchNumber());
  }

  private PageSource pageSource(OverlayInode inode, long page) {
    BlockExtent extent = extentOf(inode, page);
    int inBlock = (int) (page % BLOCK_PAGES);
    Source source = source(extent, inBlock);
    return switch (source) {
      case OWN -> {
        boolean open = isOpenOwn(inode, page);
        yield new PageSource(
            source, extent.slot(inBlock), null, open ? inode.inPlaceWrites : 0, 0, 0);
      }
      case ZERO -> new PageSource(source, 0, null, 0, 0, 0);
      case REMOTE -> new PageSource(source, 0, extent.remote(), 0, 0, 0);
      case BASE ->
          page * PAGE_BYTES >= inode.baseLimitBytes
              ? new PageSource(Source.ZERO, 0, null, 0, 0, 0)
              : new PageSource(source, 0, null, 0, inode.baseVersion, inode.baseLimitBytes);
    };
  }

  /** Reads one page as it was when its source was looked at. */
  private void fetch(
      RequestContext context, long ino, long page, PageSource from, ByteBuffer target)
      throws FsException {
    switch (from.source) {
      case OWN -> pageLog.read(from.slot, 0, target);
      case ZERO -> zero(target);
      case REMOTE -> {
        int within = (int) (page % BLOCK_PAGES) * PAGE_BYTES;
        reader.read(context, overlayScope, from.block, within, target);
      }
      case BASE ->
          readInherited(context, ino, from.baseVersion, from.limitBytes, page * PAGE_BYTES, target);
    }
  }

  // ---- size, holes ----

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
    fileSystem.awaitRoom(context);
    fileSystem.ensureOwnData(ino);
    int within = (int) (cutBytes % PAGE_BYTES);
    long edgePage = cutBytes / PAGE_BYTES;
    while (true) {
      PageSource edge = null;
      tree.lock.readLock().lock();
      try {
        OverlayInode inode = ownData(ino);
        synchronized (inode) {
          tree.extents(inode);
          if (within != 0 && cutBytes < inode.sizeBytes) {
            PageSource source = pageSource(inode, edgePage);
            edge = source.source == Source.OWN || source.source == Source.REMOTE ? source : null;
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
          fetch(context, ino, edgePage, edge, page);
          zero(page.position(within).limit(PAGE_BYTES));
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
      fileSystem.reserveLocked(6, 0, 1);
      OverlayInode inode = ownData(ino);
      tree.extents(inode);
      if (cutBytes < inode.sizeBytes) {
        PageSource now = within == 0 ? null : pageSource(inode, edgePage);
        boolean needsEdge =
            now != null && (now.source == Source.OWN || now.source == Source.REMOTE);
        if (needsEdge ? !now.equals(edge) : edge != null) {
          return false;
        }
        truncateLocked(inode, cutBytes);
        if (edge != null) {
          putPages(inode, edgePage, 1, slot);
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

  private void truncateLocked(OverlayInode inode, long cutBytes) {
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

  void allocate(RequestContext context, long ino, int mode, long offsetBytes, long lengthBytes)
      throws FsException {
    boolean keepSize = (mode & FileSystemOperations.FALLOC_KEEP_SIZE) != 0;
    boolean zeroes =
        (mode & (FileSystemOperations.FALLOC_PUNCH_HOLE | FileSystemOperations.FALLOC_ZERO_RANGE))
            != 0;
    fileSystem.awaitRoom(context);
    fileSystem.ensureOwnData(ino);
    long endBytes = offsetBytes + lengthBytes;
    long sizeBytes;
    tree.lock.readLock().lock();
    try {
      OverlayInode inode = ownData(ino);
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
      fileSystem.reserveLocked(2, 0, 0);
      OverlayInode inode = ownData(ino);
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
      writePiece(context, ino, fromBytes, zeros, /* clearSetid= */ false, /* touch= */ false);
    }
  }

  /** Zeroes pages; false if nothing but zeros comes after them. */
  private boolean zeroPages(long ino, long firstPage, long endPage) throws FsException {
    tree.lock.writeLock().lock();
    try {
      fileSystem.reserveLocked(4, 0, 0);
      OverlayInode inode = ownData(ino);
      tree.extents(inode);
      long end = Math.min(endPage, contentEndPage(inode));
      for (long page = firstPage; page < end; ) {
        long block = page / BLOCK_PAGES;
        int first = (int) (page % BLOCK_PAGES);
        int count = (int) Math.min(BLOCK_PAGES - first, end - page);
        BlockExtent old = inode.extent(block);
        if (!old.isNone() || page * PAGE_BYTES < inode.baseLimitBytes) {
          int pages = BlockExtent.mask(first, count);
          tree.setExtent(inode, block, old.withZeros(pages, tree.batchNumber()));
          tree.releaseSlots(old, pages);
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

  /** From this page on the file is zeros, whatever its size. */
  private static long contentEndPage(OverlayInode inode) {
    long end = (inode.baseLimitBytes + PAGE_BYTES - 1) / PAGE_BYTES;
    for (long block : inode.extents.keySet()) {
      end = Math.max(end, (block + 1) * BLOCK_PAGES);
    }
    return end;
  }

  /** SEEK_DATA and SEEK_HOLE, by pages; of what is the base's, by its blocks. */
  long seek(long ino, long offsetBytes, int whence) throws FsException {
    boolean wantsData = whence == FileSystemOperations.SEEK_DATA;
    int baseVersion = tree.base.version();
    tree.lock.readLock().lock();
    try {
      requireRegular(ino);
      OverlayInode inode = tree.own(ino);
      if (inode != null) {
        synchronized (inode) {
          baseVersion = inode.ownData ? inode.baseVersion : baseVersion;
        }
      }
    } finally {
      tree.lock.readLock().unlock();
    }
    RepositoryTree from = baseVersion == 0 ? tree.base : version(baseVersion);
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
      endBytes = Math.min(sizeBytes, contentEndPage(inode) * PAGE_BYTES);
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
          switch (source(extent, page)) {
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

  private void requireRegular(long ino) throws FsException {
    FileType type = tree.type(ino);
    if (type == FileType.DIRECTORY) {
      throw new FsException(Errno.EISDIR, "a directory");
    }
    if (type != FileType.REGULAR) {
      throw new FsException(Errno.EINVAL, "not a regular file");
    }
  }
}
