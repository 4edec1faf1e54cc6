package io.mapfs.core.overlay;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.Change;
import io.mapfs.core.overlay.OpenBatch.Cut;
import io.mapfs.core.overlay.OverlayIndex.ExtentRow;
import io.mapfs.core.tree.RepositoryTree;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.agrona.collections.Long2ObjectHashMap;
import org.agrona.collections.LongHashSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The merged tree: the version's entries with the overlay's own on top, and the open batch.
 *
 * <p>Entries of the version that the overlay never touched have no object here: they are reached
 * through the version's slots, and the sets of touched inodes and directories say, without asking
 * the index, that there is nothing to ask for.
 *
 * <p>Callers hold {@link #lock}: shared to read and to change one inode under its monitor,
 * exclusively to change names, to make an inode the overlay's own, and to cut the batch.
 */
final class OverlayTree {
  private static final Logger LOG = LoggerFactory.getLogger(OverlayTree.class);

  final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  final RepositoryTree base;
  final TreeNames names;
  final ReadTimes readTimes = new ReadTimes();
  final ReferenceCounts lookups = new ReferenceCounts();
  final ReferenceCounts opens = new ReferenceCounts();
  final ReferenceCounts writers = new ReferenceCounts();

  /** Pages that count against the quota. */
  final AtomicLong ownedPages = new AtomicLong();

  /** Inodes with an own record, which count, too. */
  final AtomicLong ownedInodes = new AtomicLong();

  private final OverlayIndex index;
  private final PageLog pageLog;
  private final NumberRanges numbers;
  private final int cachedInodesMax;
  private final ConcurrentHashMap<Long, OverlayInode> inodes = new ConcurrentHashMap<>();

  /** Inodes of the version's range that have an own record. Changed under the exclusive lock. */
  private final LongHashSet touchedInos = new LongHashSet();

  /** Own inodes without a name. Changed under the exclusive lock. */
  private final LongHashSet orphans = new LongHashSet();

  /** Inodes that went, by the batch that says so; the index may still have their rows. */
  private final Map<Long, Long> dropped = new HashMap<>();

  /** Changed under the lock held exclusively; looked at without it by {@link #openPages} alone. */
  private volatile OpenBatch batch = new OpenBatch(0);

  OverlayTree(
      RepositoryTree base, OverlayIndex index, PageLog pageLog, NumberRanges numbers, int max) {
    this.base = base;
    this.index = index;
    this.pageLog = pageLog;
    this.cachedInodesMax = max;
    this.numbers = numbers;
    this.names = new TreeNames(this, index, numbers);
  }

  /** Learns from the index what there is; before any operation. */
  void scan() throws IOException {
    index.forEachInode(
        (ino, row) -> {
          if (!NodeId.isOverlayIno(ino)) {
            touchedInos.add(ino);
          }
          ownedPages.addAndGet(row.ownedPages());
          ownedInodes.incrementAndGet();
          if (isNameless(ino, row.state().nlinkDelta())) {
            orphans.add(ino);
          }
        });
    names.scan();
    index.forEachExtent(
        (ino, block, extent) ->
            extent.forEachRun((first, count, slot) -> pageLog.recount(slot, count)));
  }

  /** Drops what a crash left without a name. Exclusive. */
  void sweepOrphans() throws FsException {
    for (long ino : orphans.stream().mapToLong(Long::longValue).toArray()) {
      if (!reserve(2, 0, 0)) {
        return;
      }
      drop(own(ino));
    }
  }

  // ---- the batch ----

  long batchNumber() {
    return batch.number;
  }

  OpenBatch batch() {
    return batch;
  }

  boolean reserve(int changes, int bytes, int pages) {
    return batch.reserve(changes, bytes, pages);
  }

  /** Pages in the open batch; needs no lock. */
  int openPages() {
    return batch.pageCount();
  }

  /** Closes the open batch; {@code null} if nothing is in it. Exclusive. */
  Cut cut() {
    if (batch.isEmpty()) {
      return null;
    }
    Cut cut = batch.cut();
    batch = new OpenBatch(batch.number + 1);
    return cut;
  }

  // ---- inodes ----

  int baseSlot(long ino) {
    return NodeId.isOverlayIno(ino) ? RepositoryTree.NONE : base.slotOf(ino);
  }

  /** The inode's own record, or {@code null} where all of it is the version's. */
  OverlayInode own(long ino) throws FsException {
    if (!NodeId.isOverlayIno(ino) && !touchedInos.contains(ino)) {
      return null;
    }
    OverlayInode inode = inodes.get(ino);
    if (inode == null) {
      inode = load(ino);
    }
    inode.referenced = true;
    return inode;
  }

  private OverlayInode load(long ino) throws FsException {
    try {
      OverlayIndex.InodeRow row = dropped.containsKey(ino) ? null : index.inode(ino);
      if (row == null) {
        throw new FsException(Errno.ESTALE, "no inode " + ino);
      }
      OverlayInode loaded = OverlayInode.of(ino, row.state(), row.ownedPages());
      OverlayInode other = inodes.putIfAbsent(ino, loaded);
      return other == null ? loaded : other;
    } catch (IOException e) {
      throw unreadable("inode " + ino, e);
    }
  }

  /** Loads the inode's extents. The caller holds its monitor. */
  Long2ObjectHashMap<BlockExtent> extents(OverlayInode inode) throws FsException {
    if (inode.extents == null) {
      Long2ObjectHashMap<BlockExtent> loaded = new Long2ObjectHashMap<>();
      try {
        index.forEachExtent(inode.ino, (ino, block, extent) -> loaded.put(block, extent));
      } catch (IOException e) {
        throw unreadable("extents of inode " + inode.ino, e);
      }
      inode.extents = loaded;
    }
    return inode.extents;
  }

  static FsException unreadable(String what, IOException e) {
    LOG.error("overlay index: {} cannot be read: {}", what, e.getMessage());
    return new FsException(Errno.EIO, what, e);
  }

  FileType type(long ino) throws FsException {
    OverlayInode inode = own(ino);
    if (inode != null) {
      return inode.type;
    }
    return base.type(requireBase(ino));
  }

  private int requireBase(long ino) throws FsException {
    int slot = baseSlot(ino);
    if (slot == RepositoryTree.NONE) {
      throw new FsException(Errno.ESTALE, "no inode " + ino);
    }
    return slot;
  }

  /** The version's inode from which a group is inherited. */
  int inheritedSlot(OverlayInode inode) throws FsException {
    int slot = baseSlot(inode.ino);
    if (slot == RepositoryTree.NONE || base.type(slot) != inode.type) {
      LOG.error(
          "inode {} inherits from version {} of {}, which does not have it: the rebase is missing",
          inode.ino,
          base.version(),
          base.master());
      throw new FsException(Errno.EIO, "inode " + inode.ino + " has lost its base");
    }
    return slot;
  }

  private int nlink(long ino, int delta) {
    int slot = baseSlot(ino);
    return (slot == RepositoryTree.NONE ? 0 : base.attributes(slot).nlink()) + delta;
  }

  /**
   * Whether no name is left. Of an inode that the version no longer has, the difference alone
   * cannot tell; its names are the overlay's, and it stays.
   */
  private boolean isNameless(long ino, int delta) {
    boolean vanished = !NodeId.isOverlayIno(ino) && base.slotOf(ino) == RepositoryTree.NONE;
    return vanished ? delta < 0 : nlink(ino, delta) <= 0;
  }

  int nlink(OverlayInode inode) {
    return nlink(inode.ino, inode.nlinkDelta);
  }

  int nlink(long ino) throws FsException {
    OverlayInode inode = own(ino);
    return inode == null ? base.attributes(requireBase(ino)).nlink() : nlink(inode);
  }

  Attributes attributes(long ino) throws FsException {
    OverlayInode inode = own(ino);
    if (inode == null) {
      Attributes attributes = base.attributes(requireBase(ino));
      boolean unwritten = attributes.allocatedBytes() == 0 && writers.has(ino);
      FileTime accessed = readTimes.get(ino, attributes.atime());
      return unwritten || !accessed.equals(attributes.atime())
          ? with(attributes, unwritten ? Change.PAGE_BYTES : attributes.allocatedBytes(), accessed)
          : attributes;
    }
    synchronized (inode) {
      return attributes(inode);
    }
  }

  private Attributes attributes(OverlayInode inode) throws FsException {
    boolean inherits = !inode.ownAttributes || !inode.ownData;
    Attributes from = inherits ? base.attributes(inheritedSlot(inode)) : null;
    boolean regular = inode.type == FileType.REGULAR;
    long allocated = !inode.ownData ? from.allocatedBytes() : regular ? allocated(inode) : 0;
    if (regular && allocated == 0 && writers.has(inode.ino)) {
      // The kernel may hold pages that it has not handed over: zero blocks would mean "all holes".
      allocated = Change.PAGE_BYTES;
    }
    return new Attributes(
        inode.ino,
        inode.type,
        inode.ownAttributes ? inode.permissions : from.permissions(),
        inode.ownAttributes ? inode.uid : from.uid(),
        inode.ownAttributes ? inode.gid : from.gid(),
        nlink(inode),
        inode.ownAttributes ? inode.rdev : from.rdev(),
        inode.ownData ? sizeBytes(inode) : from.sizeBytes(),
        allocated,
        inode.atime,
        inode.ownData ? inode.mtime : from.mtime(),
        inode.ctime,
        inode.ownAttributes ? inode.btime : from.btime());
  }

  /** A symlink's size is its target's, which stays the version's where it is not born here. */
  private long sizeBytes(OverlayInode inode) throws FsException {
    boolean inheritsTarget = inode.type == FileType.SYMLINK && inode.symlinkTarget == null;
    return inheritsTarget ? base.attributes(inheritedSlot(inode)).sizeBytes() : inode.sizeBytes;
  }

  private long allocated(OverlayInode inode) {
    long owned = inode.ownedPages * Change.PAGE_BYTES;
    long inherited = roundUp(inode.baseLimitBytes);
    int slot = baseSlot(inode.ino);
    if (slot != RepositoryTree.NONE && inode.baseVersion == base.version()) {
      inherited = Math.min(inherited, base.attributes(slot).allocatedBytes());
    }
    return Math.min(roundUp(inode.sizeBytes), owned + inherited);
  }

  private static long roundUp(long bytes) {
    return (bytes + Change.PAGE_BYTES - 1) & -Change.PAGE_BYTES;
  }

  private static Attributes with(Attributes a, long allocatedBytes, FileTime atime) {
    return new Attributes(
        a.node(),
        a.type(),
        a.permissions(),
        a.uid(),
        a.gid(),
        a.nlink(),
        a.rdev(),
        a.sizeBytes(),
        allocatedBytes,
        atime,
        a.mtime(),
        a.ctime(),
        a.btime());
  }

  /** Copy-up: gives the inode a record of its own, in which nothing is own yet. Exclusive. */
  OverlayInode copyUp(long ino) throws FsException {
    OverlayInode inode = own(ino);
    if (inode != null) {
      return inode;
    }
    Attributes from = base.attributes(requireBase(ino));
    OverlayInode made = new OverlayInode(ino, from.type());
    made.atime = readTimes.take(ino, from.atime());
    made.ctime = from.ctime();
    made.extents = new Long2ObjectHashMap<>();
    inodes.put(ino, made);
    touchedInos.add(ino);
    ownedInodes.incrementAndGet();
    return made;
  }

  /** A new inode, all of it own, without a name. Exclusive. */
  OverlayInode create(FileType type, FileTime now) {
    OverlayInode made = new OverlayInode(numbers.takeIno(), type);
    made.ownAttributes = true;
    made.ownData = true;
    made.ownXattrs = true;
    made.atime = now;
    made.mtime = now;
    made.ctime = now;
    made.btime = now;
    made.xattrs = new TreeMap<>();
    made.extents = new Long2ObjectHashMap<>();
    inodes.put(made.ino, made);
    ownedInodes.incrementAndGet();
    orphans.add(made.ino);
    changed(made);
    return made;
  }

  /** Makes the attributes own. Monitor, or exclusive. */
  void ownAttributes(OverlayInode inode) throws FsException {
    if (!inode.ownAttributes) {
      Attributes from = base.attributes(inheritedSlot(inode));
      inode.permissions = from.permissions();
      inode.uid = from.uid();
      inode.gid = from.gid();
      inode.rdev = from.rdev();
      inode.btime = from.btime();
      inode.ownAttributes = true;
    }
  }

  /**
   * Makes the data own; blocks stay the version's until they are written. Monitor, or exclusive.
   */
  void ownData(OverlayInode inode) throws FsException {
    if (!inode.ownData) {
      Attributes from = base.attributes(inheritedSlot(inode));
      inode.mtime = from.mtime();
      inode.sizeBytes = from.sizeBytes();
      if (inode.type == FileType.REGULAR && from.sizeBytes() > 0) {
        inode.baseVersion = base.version();
        inode.baseLimitBytes = from.sizeBytes();
      }
      inode.ownData = true;
    }
  }

  /** Makes the xattr set own and returns it. Monitor, or exclusive. */
  SortedMap<Name, byte[]> ownXattrs(OverlayInode inode) throws FsException {
    if (!inode.ownXattrs) {
      inode.xattrs = new TreeMap<>(base.xattrs(inheritedSlot(inode)));
      inode.ownXattrs = true;
    }
    return loadedXattrs(inode);
  }

  private SortedMap<Name, byte[]> loadedXattrs(OverlayInode inode) throws FsException {
    if (inode.xattrs == null) {
      try {
        inode.xattrs = index.xattrs(inode.ino);
      } catch (IOException e) {
        throw unreadable("xattrs of inode " + inode.ino, e);
      }
    }
    return inode.xattrs;
  }

  /** One xattr, or {@code null}. */
  byte[] xattr(long ino, Name name) throws FsException {
    OverlayInode inode = own(ino);
    if (inode == null) {
      int slot = requireBase(ino);
      return base.hasXattrs(slot) ? base.xattr(slot, name) : null;
    }
    synchronized (inode) {
      if (inode.ownXattrs) {
        return loadedXattrs(inode).get(name);
      }
      int slot = inheritedSlot(inode);
      return base.hasXattrs(slot) ? base.xattr(slot, name) : null;
    }
  }

  /** All xattrs; not to be changed. */
  SortedMap<Name, byte[]> xattrs(long ino) throws FsException {
    OverlayInode inode = own(ino);
    if (inode == null) {
      int slot = requireBase(ino);
      return base.hasXattrs(slot) ? base.xattrs(slot) : Collections.emptySortedMap();
    }
    synchronized (inode) {
      return inode.ownXattrs
          ? new TreeMap<>(loadedXattrs(inode))
          : base.xattrs(inheritedSlot(inode));
    }
  }

  byte[] symlinkTarget(long ino) throws FsException {
    OverlayInode inode = own(ino);
    if (inode == null) {
      return base.symlinkTarget(requireBase(ino));
    }
    return inode.symlinkTarget != null
        ? inode.symlinkTarget
        : base.symlinkTarget(inheritedSlot(inode));
  }

  /** Notes that fields of the inode changed. Monitor, or exclusive. */
  void changed(OverlayInode inode) {
    inode.stateDirty = true;
    batch.add(inode);
  }

  void changedXattrs(OverlayInode inode) {
    inode.xattrsDirty = true;
    changed(inode);
  }

  /** Replaces a block's extent; slots that it names no more are released. Monitor, or exclusive. */
  void setExtent(OverlayInode inode, long block, BlockExtent extent) {
    BlockExtent old = inode.extent(block);
    int owned = extent.ownedPages() - old.ownedPages();
    inode.ownedPages += owned;
    ownedPages.addAndGet(owned);
    if (extent.isNone()) {
      inode.extents.remove(block);
    } else {
      inode.extents.put(block, extent);
    }
  }

  void releaseSlots(BlockExtent extent, int pages) {
    extent.forEachRunIn(pages, (first, count, slot) -> pageLog.release(slot, count, batch.number));
  }

  /** Changes a link count; an inode that comes to have no name is an orphan. Exclusive. */
  void addLinks(OverlayInode inode, int delta) {
    inode.nlinkDelta += delta;
    changed(inode);
    if (isNameless(inode.ino, inode.nlinkDelta)) {
      orphans.add(inode.ino);
    } else {
      orphans.remove(inode.ino);
    }
  }

  boolean isOrphan(long ino) {
    return orphans.contains(ino);
  }

  /** Whether the inode has neither name nor user. */
  boolean isUnused(long ino) {
    return orphans.contains(ino) && !lookups.has(ino) && !opens.has(ino);
  }

  // ---- compaction of the page log ----

  /**
   * Own pages of an index row that lie where the row has them as the overlay is now: the row may be
   * behind what is not sealed yet. Exclusive.
   */
  int pagesNamedAs(ExtentRow row) {
    if (dropped.containsKey(row.ino())) {
      return 0;
    }
    OverlayInode inode = inodes.get(row.ino());
    return inode == null || inode.extents == null
        ? row.extent().ownMask()
        : inode.extent(row.block()).pagesNamedAs(row.extent());
  }

  /**
   * Own pages have moved, and the index has them there. Exclusive.
   *
   * @param row as it was
   * @param pages what moved
   * @param copied pages that were copied, these among them: to consecutive slots, in their order
   * @param slot the first of these slots
   */
  void move(ExtentRow row, int pages, int copied, long slot) {
    row.extent().forEachRunIn(pages, (first, count, from) -> pageLog.releaseCopied(from, count));
    pageLog.publishCopy(slot, Integer.bitCount(pages));
    pageLog.abandon(slot, Integer.bitCount(copied & ~pages));
    OverlayInode inode = inodes.get(row.ino());
    if (pages != 0 && inode != null && inode.extents != null) {
      BlockExtent extent = inode.extent(row.block());
      inode.extents.put(row.block(), extent.moved(pages, copied, slot));
    }
  }

  /** The inode's record goes. Exclusive. */
  void drop(OverlayInode inode) throws FsException {
    extents(inode).forEachLong((block, extent) -> releaseSlots(extent, -1));
    ownedPages.addAndGet(-inode.ownedPages);
    ownedInodes.decrementAndGet();
    inode.dropped = true;
    dropped.put(inode.ino, batch.number);
    batch.drop(inode);
    inodes.remove(inode.ino);
    touchedInos.remove(inode.ino);
    orphans.remove(inode.ino);
  }

  // ---- the caches ----

  /** Evicts what was not used lately, if there is too much. Exclusive. */
  void evict(long appliedBatch) {
    if (inodes.size() > cachedInodesMax) {
      for (Iterator<OverlayInode> it = inodes.values().iterator(); it.hasNext(); ) {
        OverlayInode inode = it.next();
        boolean clean = !inode.inBatch && inode.lastCut <= appliedBatch && inode.stored;
        if (clean && !inode.referenced && !inode.linkable) {
          it.remove();
        }
        inode.referenced = false;
      }
    }
    dropped.values().removeIf(batchNumber -> batchNumber <= appliedBatch);
    names.evict(appliedBatch);
  }

  int cachedInodes() {
    return inodes.size();
  }

  List<Long> orphanInos() {
    return new ArrayList<>(orphans);
  }
}
