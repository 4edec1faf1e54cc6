package io.mapfs.core.overlay;

import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.CanonicalOrder;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.RecordLimits;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The batch that operations now change: what is in it, and whether more still fits into one record.
 *
 * <p>Room is reserved before anything is changed, under the tree lock: so a batch always becomes
 * exactly one record. Estimates err on the large side.
 *
 * <p>Lock: its own monitor, under the tree lock and an inode's monitor. {@link #cut} runs under the
 * tree lock held exclusively.
 */
final class OpenBatch {
  /** Most pages in a batch. */
  static final int PAGES_MAX = RecordLimits.MAX_PAGES;

  private static final int CHANGES_MAX = RecordLimits.MAX_CHANGES - 1_024;
  private static final int BYTES_MAX = RecordLimits.MAX_RECORD_BYTES - (64 << 10);

  /** Encoded bytes of a change of names or of a run of pages, at most. */
  private static final int CHANGE_BYTES = 300;

  /** Encoded bytes of an inode's state, a symlink's target left out, and of a truncation. */
  private static final int INODE_BYTES = 200;

  /** Written pages in the order of the record. */
  record PendingWrite(long ino, long firstPage, int pageCount) {}

  /** A batch that takes no more changes: a record but for its pages' hashes and its number. */
  record Cut(
      long batch,
      List<Change> changes,
      List<PendingWrite> writes,
      List<SlotRun> slots,
      int pages) {}

  final long number;
  private final Set<OverlayInode> inodes = new LinkedHashSet<>();
  private final Set<OverlayDirectory> directories = new LinkedHashSet<>();
  private final List<Long> droppedInos = new ArrayList<>();
  private int changes;
  private int bytes;
  private int pages;
  private long openedNanos;

  OpenBatch(long number) {
    this.number = number;
  }

  /** Reserves room; false if the batch must be cut first. */
  synchronized boolean reserve(int moreChanges, int moreBytes, int morePages) {
    int sum = moreBytes + moreChanges * CHANGE_BYTES + morePages * Change.WritePages.HASH_BYTES;
    if (changes + moreChanges > CHANGES_MAX
        || bytes + sum > BYTES_MAX
        || pages + morePages > PAGES_MAX) {
      if (changes == 0 && bytes == 0 && pages == 0) {
        throw new IllegalArgumentException("one operation is larger than a record");
      }
      return false;
    }
    if (changes == 0 && bytes == 0 && pages == 0) {
      openedNanos = System.nanoTime();
    }
    changes += moreChanges;
    bytes += sum;
    pages += morePages;
    return true;
  }

  /** Lists an inode as changed. The caller holds its monitor or the tree lock exclusively. */
  void add(OverlayInode inode) {
    if (!inode.inBatch) {
      inode.inBatch = true;
      synchronized (this) {
        inodes.add(inode);
        bytes += INODE_BYTES;
      }
    }
  }

  synchronized void add(OverlayDirectory directory) {
    directories.add(directory);
  }

  /** Lists an inode as dropped. */
  synchronized void drop(OverlayInode inode) {
    inodes.remove(inode);
    if (inode.stored) {
      droppedInos.add(inode.ino);
    }
  }

  synchronized boolean isEmpty() {
    return inodes.isEmpty() && directories.isEmpty() && droppedInos.isEmpty();
  }

  /** How long ago the first change came; 0 for an empty batch. */
  synchronized long ageNanos() {
    return isEmpty() ? 0 : System.nanoTime() - openedNanos;
  }

  synchronized int changeCount() {
    return changes;
  }

  synchronized int pageCount() {
    return pages;
  }

  /**
   * Turns the batch into changes in canonical order and marks everything in it as cut. What came to
   * nothing is left out.
   */
  synchronized Cut cut() {
    List<Change> result = new ArrayList<>();
    List<PendingWrite> writes = new ArrayList<>();
    List<SlotRun> slots = new ArrayList<>();
    for (long ino : droppedInos) {
      result.add(new Change.DropInode(ino));
    }
    List<OverlayInode> ordered = new ArrayList<>(inodes);
    ordered.sort((a, b) -> Long.compareUnsigned(a.ino, b.ino));
    int pageCount = 0;
    for (OverlayInode inode : ordered) {
      pageCount += cut(inode, result, writes, slots);
    }
    for (OverlayDirectory directory : directories) {
      cut(directory, result);
    }
    result.sort(CanonicalOrder.INSTANCE);
    return new Cut(number, result, writes, slots, pageCount);
  }

  private int cut(
      OverlayInode inode, List<Change> result, List<PendingWrite> writes, List<SlotRun> slots) {
    inode.inBatch = false;
    inode.lastCut = number;
    if (inode.stateDirty || !inode.stored) {
      result.add(new Change.PutInode(inode.ino, inode.toState()));
    }
    if (inode.xattrsDirty) {
      result.add(new Change.PutXattrs(inode.ino, new TreeMap<>(inode.xattrs)));
    }
    if (inode.truncatedPage != OverlayInode.NOT_TRUNCATED && inode.stored) {
      result.add(new Change.TruncatePages(inode.ino, inode.truncatedPage));
    }
    int pageCount = 0;
    if (!inode.dirtyBlocks.isEmpty()) {
      pageCount = cutPages(inode, result, writes, slots);
    }
    inode.stored = true;
    inode.stateDirty = false;
    inode.xattrsDirty = false;
    inode.truncatedPage = OverlayInode.NOT_TRUNCATED;
    inode.dirtyBlocks.clear();
    return pageCount;
  }

  private int cutPages(
      OverlayInode inode, List<Change> result, List<PendingWrite> writes, List<SlotRun> slots) {
    long[] blocks = inode.dirtyBlocks.stream().mapToLong(Long::longValue).sorted().toArray();
    PageRuns zeros = new PageRuns();
    PageRuns written = new PageRuns();
    for (long block : blocks) {
      BlockExtent extent = inode.extent(block);
      long firstPage = block * BlockExtent.PAGES;
      int open = extent.openMask(number);
      zeros.add(firstPage, open & extent.zeroMask());
      written.add(firstPage, open & extent.ownMask());
      extent.forEachRunIn(open, (first, count, slot) -> addSlots(slots, slot, count));
    }
    zeros.forEach((first, count) -> result.add(new Change.ZeroPages(inode.ino, first, count)));
    written.forEach((first, count) -> writes.add(new PendingWrite(inode.ino, first, (int) count)));
    return (int) written.total();
  }

  private static void addSlots(List<SlotRun> slots, long slot, int count) {
    SlotRun last = slots.isEmpty() ? null : slots.get(slots.size() - 1);
    if (last != null
        && last.slot() + last.count() == slot
        && PageLog.sameSegment(last.slot(), slot)) {
      slots.set(slots.size() - 1, new SlotRun(last.slot(), last.count() + count));
    } else {
      slots.add(new SlotRun(slot, count));
    }
  }

  private void cut(OverlayDirectory directory, List<Change> result) {
    directory.lastCut = number;
    for (Map.Entry<Name, DentryRow> changed : directory.sealedRows().entrySet()) {
      Name name = changed.getKey();
      DentryRow before = changed.getValue();
      DentryRow now = directory.row(name);
      if (now == null) {
        if (before != null) {
          result.add(new Change.DropDentry(directory.ino, name));
        }
      } else if (now.isWhiteout()) {
        if (before == null || !before.isWhiteout()) {
          result.add(new Change.PutWhiteout(directory.ino, name));
        }
      } else if (!now.equals(before)) {
        result.add(new Change.PutDentry(directory.ino, name, now.ino(), now.type(), now.cookie()));
      }
    }
    directory.sealedRows().clear();
  }
}
