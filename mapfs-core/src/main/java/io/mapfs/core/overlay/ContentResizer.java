package io.mapfs.core.overlay;

import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.RecordCodec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Changes a file's length and makes holes. Each call is one change, in one record: whatever part of
 * pages it zeroes, and what is changed of the inode with it.
 *
 * <p>In the steps of {@link ContentWriter}: pages of which a part stays are fetched without a lock,
 * and all is started anew if they are not what they were when everything is put.
 */
final class ContentResizer {
  private static final int PAGE_BYTES = Change.PAGE_BYTES;
  private static final int BLOCK_PAGES = BlockExtent.PAGES;

  /** A change of the inode that goes with the change of its content; under the exclusive lock. */
  interface InodeChange {
    void apply(OverlayInode inode) throws FsException;
  }

  /**
   * A page that becomes zeros from one byte to another (exclusive) and must stay what it is
   * elsewhere.
   */
  private record Edge(long page, int fromByte, int endByte, PageSource source) {}

  /** What is done to a file; asked twice, and done only if both answers are the same. */
  private interface Cut {
    /** Whether the edges need room within the quota. */
    boolean needsRoom();

    /** Pages of which a part becomes zeros, as the file is now. Monitor, or exclusive. */
    List<Edge> edges(OverlayInode inode);

    /** All but the edges, which are put after it. Exclusive. */
    void apply(OverlayInode inode) throws FsException;
  }

  private final OverlayTree tree;
  private final Batches batches;
  private final PageLog pageLog;
  private final ContentPages pages;
  private final SourceReader sources;
  private final Quota quota;
  private final Privileges privileges;

  ContentResizer(
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

  /** Sets a file's length, as {@link #resize(RequestContext, long, long, InodeChange)} does. */
  void resize(RequestContext context, long ino, long sizeBytes) throws FsException {
    resize(context, ino, sizeBytes, inode -> {});
  }

  /**
   * Sets a file's length. Bytes of the last page past a new, smaller end become zeros; where the
   * base has them, they are hidden without being read.
   *
   * @param with done after the length and the times are set; it may make attributes and xattrs own
   */
  void resize(RequestContext context, long ino, long sizeBytes, InodeChange with)
      throws FsException {
    run(
        context,
        ino,
        new Cut() {
          @Override
          public boolean needsRoom() {
            return false;
          }

          @Override
          public List<Edge> edges(OverlayInode inode) {
            return cutEdges(inode, sizeBytes);
          }

          @Override
          public void apply(OverlayInode inode) throws FsException {
            cutOff(inode, sizeBytes);
            inode.sizeBytes = sizeBytes;
            pages.touch(context, inode);
            with.apply(inode);
          }
        });
  }

  /**
   * fallocate(2); the mode was checked. A caller other than root takes setuid and the like away.
   * Space is not reserved: the page log grows as it is used.
   *
   * @throws FsException EDQUOT too: a part of a page that was not the overlay's becomes zeros
   */
  void allocate(RequestContext context, long ino, int mode, long offsetBytes, long lengthBytes)
      throws FsException {
    boolean keepsSize = (mode & FileSystemOperations.FALLOC_KEEP_SIZE) != 0;
    boolean zeroes =
        (mode & (FileSystemOperations.FALLOC_PUNCH_HOLE | FileSystemOperations.FALLOC_ZERO_RANGE))
            != 0;
    long endBytes = offsetBytes + lengthBytes;
    run(
        context,
        ino,
        new Cut() {
          @Override
          public boolean needsRoom() {
            return true;
          }

          @Override
          public List<Edge> edges(OverlayInode inode) {
            if (!zeroes || offsetBytes >= inode.sizeBytes) {
              return List.of();
            }
            return endBytes >= inode.sizeBytes
                ? cutEdges(inode, offsetBytes)
                : holeEdges(inode, offsetBytes, endBytes);
          }

          @Override
          public void apply(OverlayInode inode) throws FsException {
            if (zeroes && endBytes >= inode.sizeBytes) {
              // To the end: cut off and grown again, which costs nothing whatever the size.
              cutOff(inode, offsetBytes);
            } else if (zeroes) {
              zeroPages(inode, firstWhole(offsetBytes), endBytes / PAGE_BYTES);
            }
            if (!keepsSize) {
              inode.sizeBytes = Math.max(inode.sizeBytes, endBytes);
            }
            pages.touch(context, inode);
            if (Privileges.areTakenBy(context)) {
              privileges.clear(inode);
            }
          }
        });
  }

  private void run(RequestContext context, long ino, Cut cut) throws FsException {
    batches.awaitRoom(context);
    pages.ensureOwnData(ino);
    boolean done = false;
    while (!done) {
      List<Edge> edges;
      tree.lock.readLock().lock();
      try {
        OverlayInode inode = pages.requireOwnData(ino);
        synchronized (inode) {
          tree.extents(inode);
          edges = cut.edges(inode);
        }
      } finally {
        tree.lock.readLock().unlock();
      }
      List<Long> slots = new ArrayList<>();
      try {
        done = fill(context, ino, edges, slots) && publish(ino, cut, edges, slots);
      } finally {
        if (!done) {
          slots.forEach(slot -> pageLog.abandon(slot, 1));
        }
      }
    }
  }

  /** Writes the edges to fresh slots; false if one is not where it was. */
  private boolean fill(RequestContext context, long ino, List<Edge> edges, List<Long> slots)
      throws FsException {
    for (Edge edge : edges) {
      ByteBuffer page = ByteBuffer.allocate(PAGE_BYTES);
      if (!sources.fetch(context, ino, edge.page, edge.source, page)) {
        return false;
      }
      SourceReader.zero(page.position(edge.fromByte).limit(edge.endByte));
      slots.add(pageLog.allocate(1));
      pageLog.write(slots.get(slots.size() - 1), 0, page.clear());
    }
    return true;
  }

  private boolean publish(long ino, Cut cut, List<Edge> edges, List<Long> slots)
      throws FsException {
    tree.lock.writeLock().lock();
    try {
      batches.reserve(10, RecordCodec.encodedBytes(tree.xattrs(ino)), edges.size());
      OverlayInode inode = pages.requireOwnData(ino);
      tree.extents(inode);
      if (!cut.edges(inode).equals(edges)) {
        return false;
      }
      long granted = cut.needsRoom() ? grant(inode, edges) : 0;
      try {
        cut.apply(inode);
        for (int i = 0; i < edges.size(); i++) {
          pages.put(inode, edges.get(i).page, 1, slots.get(i));
        }
      } finally {
        quota.settle(granted);
      }
      tree.changed(inode);
      return true;
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  private long grant(OverlayInode inode, List<Edge> edges) throws FsException {
    long granted = 0;
    try {
      for (Edge edge : edges) {
        granted += quota.grant(inode, edge.page, edge.page);
      }
      return granted;
    } catch (FsException e) {
      quota.settle(granted);
      throw e;
    }
  }

  // ---- everything from a byte on ----

  private List<Edge> cutEdges(OverlayInode inode, long cutBytes) {
    int within = (int) (cutBytes % PAGE_BYTES);
    if (within == 0 || cutBytes >= inode.sizeBytes) {
      return List.of();
    }
    long page = cutBytes / PAGE_BYTES;
    PageSource source = PageSource.of(inode, page, tree.batchNumber());
    // What the base has there is hidden by the limit, without a page.
    return source.isContent() ? List.of(new Edge(page, within, PAGE_BYTES, source)) : List.of();
  }

  private void cutOff(OverlayInode inode, long cutBytes) {
    if (cutBytes < inode.sizeBytes) {
      pages.truncate(inode, cutBytes);
    }
  }

  // ---- a hole with something after it ----

  private static long firstWhole(long offsetBytes) {
    return (offsetBytes + PAGE_BYTES - 1) / PAGE_BYTES;
  }

  private List<Edge> holeEdges(OverlayInode inode, long fromBytes, long endBytes) {
    long first = fromBytes / PAGE_BYTES;
    long last = endBytes / PAGE_BYTES;
    int from = (int) (fromBytes % PAGE_BYTES);
    int end = (int) (endBytes % PAGE_BYTES);
    List<Edge> edges = new ArrayList<>();
    if (first == last) {
      addEdge(edges, inode, first, from, end);
    } else {
      if (from != 0) {
        addEdge(edges, inode, first, from, PAGE_BYTES);
      }
      if (end != 0) {
        addEdge(edges, inode, last, 0, end);
      }
    }
    return edges;
  }

  private void addEdge(List<Edge> edges, OverlayInode inode, long page, int from, int end) {
    PageSource source = PageSource.of(inode, page, tree.batchNumber());
    if (source.kind() != PageSource.Kind.ZERO) {
      edges.add(new Edge(page, from, end, source));
    }
  }

  private void zeroPages(OverlayInode inode, long firstPage, long endPage) {
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
  }
}
