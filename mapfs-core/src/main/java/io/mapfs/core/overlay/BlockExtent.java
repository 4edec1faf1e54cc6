package io.mapfs.core.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.journal.MalformedRecordException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Set;

/**
 * What the overlay has of one 128 KiB block of a file, page by page. Immutable; changes make a new
 * one.
 *
 * <p>A page is, in this order: own (a slot of the page log), zero, the remote block's where there
 * is one, else the base's. A remote block holds copies of the base's pages beside the overlay's
 * own: only these count against the quota.
 *
 * <pre>
 *  63                                    10 9     5 4     0
 *  +---------------------------------------+-------+-------+
 *  |                 slot                  |count-1| first |   a run of own pages
 *  +---------------------------------------+-------+-------+
 * </pre>
 */
final class BlockExtent {
  /** Pages in a block. */
  static final int PAGES = BlockId.LEAVES;

  static final BlockExtent NONE = new BlockExtent(0, null, 0, new long[0], 0, -1);

  private static final int FORMAT_VERSION = 1;

  /** The pages of the remote block that are the overlay's follow its id. */
  private static final int FORMAT_WITH_REMOTE_PAGES = 2;

  private static final int ALL = -1;

  private final int zeroMask;
  private final BlockId remote;

  /** Pages that are the remote block's and not copies of the base's. */
  private final int remotePages;

  private final long[] runs;
  private final int ownMask;

  /** Pages that were written or zeroed in batch {@link #openBatch}; kept in the heap only. */
  private final int openMask;

  private final long openBatch;

  private BlockExtent(
      int zeroMask, BlockId remote, int remotePages, long[] runs, int openMask, long openBatch) {
    int own = 0;
    for (long run : runs) {
      own |= mask(first(run), count(run));
    }
    this.ownMask = own;
    this.zeroMask = zeroMask & ~own;
    this.remote = (own | zeroMask) == ALL ? null : remote;
    this.remotePages = this.remote == null ? 0 : remotePages & ~(own | zeroMask);
    this.runs = runs;
    this.openMask = openMask;
    this.openBatch = openBatch;
  }

  /**
   * A block that the appliance has; {@code null}: zeros.
   *
   * @param ownPages one bit a page: what of it is no copy of the base's
   */
  static BlockExtent ofBlock(BlockId id, int ownPages) {
    return new BlockExtent(id == null ? ALL : 0, id, ownPages, new long[0], 0, -1);
  }

  static int mask(int firstPage, int count) {
    return count == 0 ? 0 : (ALL >>> (PAGES - count)) << firstPage;
  }

  int ownMask() {
    return ownMask;
  }

  int zeroMask() {
    return zeroMask;
  }

  BlockId remote() {
    return remote;
  }

  boolean isNone() {
    return ownMask == 0 && zeroMask == 0 && remote == null;
  }

  boolean isOwn(int page) {
    return (ownMask & (1 << page)) != 0;
  }

  boolean isZero(int page) {
    return (zeroMask & (1 << page)) != 0;
  }

  /** Pages changed in that batch. */
  int openMask(long batch) {
    return openBatch == batch ? openMask : 0;
  }

  /** Whether the page is own and no sealed record names its slot. */
  boolean isOpenOwn(int page, long batch) {
    return isOwn(page) && (openMask(batch) & (1 << page)) != 0;
  }

  /** Pages that are neither the base's nor zeros: what counts against the quota. */
  int ownedPages() {
    return Integer.bitCount(ownMask | remotePages);
  }

  /** Whether the page counts against the quota. */
  boolean isOwned(int page) {
    return ((ownMask | remotePages) & (1 << page)) != 0;
  }

  /** The slot of an own page. */
  long slot(int page) {
    for (long run : runs) {
      int at = page - first(run);
      if (at >= 0 && at < count(run)) {
        return slot(run) + at;
      }
    }
    throw new IllegalArgumentException("page " + page + " is not own");
  }

  /** Number of pages from {@code page} on, itself included, that lie in consecutive slots. */
  int contiguous(int page) {
    for (long run : runs) {
      int at = page - first(run);
      if (at >= 0 && at < count(run)) {
        return count(run) - at;
      }
    }
    return 0;
  }

  BlockExtent withOwn(int firstPage, int count, long slot, long batch) {
    int written = mask(firstPage, count);
    long[] kept = runsWithout(written);
    int before = 0;
    while (before < kept.length && first(kept[before]) < firstPage) {
      before++;
    }
    long[] merged = Arrays.copyOf(kept, kept.length + 1);
    System.arraycopy(kept, before, merged, before + 1, kept.length - before);
    merged[before] = pack(firstPage, count, slot);
    return new BlockExtent(
        zeroMask & ~written,
        remote,
        remotePages,
        coalesced(merged),
        openMask(batch) | written,
        batch);
  }

  BlockExtent withZeros(int pages, long batch) {
    return new BlockExtent(
        zeroMask | pages, remote, remotePages, runsWithout(pages), openMask(batch) | pages, batch);
  }

  /** Own pages whose slots are in these segments of the page log. */
  int pagesIn(Set<Integer> segments) {
    int pages = 0;
    for (long run : runs) {
      if (segments.contains(PageLog.segmentOf(slot(run)))) {
        pages |= mask(first(run), count(run));
      }
    }
    return pages;
  }

  /** Own pages that lie in the same slots in both. */
  int pagesNamedAs(BlockExtent other) {
    int same = 0;
    for (int left = ownMask & other.ownMask; left != 0; left &= left - 1) {
      int page = Integer.numberOfTrailingZeros(left);
      if (slot(page) == other.slot(page)) {
        same |= 1 << page;
      }
    }
    return same;
  }

  /**
   * The same content with own pages in other slots.
   *
   * @param pages what moves
   * @param copied pages that were copied, these among them: to consecutive slots, in their order
   * @param slot the first of these slots
   */
  BlockExtent moved(int pages, int copied, long slot) {
    long[] kept = runsWithout(pages);
    long[] merged = Arrays.copyOf(kept, PAGES);
    int[] size = {kept.length};
    forEachRange(
        pages,
        (first, count) -> merged[size[0]++] = pack(first, count, slot + rank(copied, first)));
    long[] sorted = Arrays.copyOf(merged, size[0]);
    return new BlockExtent(
        zeroMask, remote, remotePages, coalesced(byFirstPage(sorted)), openMask, openBatch);
  }

  interface RangeVisitor {
    void range(int firstPage, int count);
  }

  /** Visits the longest ranges of set bits. */
  static void forEachRange(int pages, RangeVisitor visitor) {
    int left = pages;
    while (left != 0) {
      int start = Integer.numberOfTrailingZeros(left);
      int count = Math.min(Integer.numberOfTrailingZeros(~(left >>> start)), PAGES - start);
      visitor.range(start, count);
      left &= ~mask(start, count);
    }
  }

  /** How many of the pages come before this one. */
  static int rank(int pages, int page) {
    return Integer.bitCount(pages & mask(0, page));
  }

  private static long[] byFirstPage(long[] runs) {
    return Arrays.stream(runs)
        .boxed()
        .sorted(Comparator.comparingInt(run -> first(run)))
        .mapToLong(Long::longValue)
        .toArray();
  }

  /** Drops the pages from {@code firstPage} on; what a remote block has there is hidden. */
  BlockExtent truncated(int firstPage) {
    int gone = mask(firstPage, PAGES - firstPage);
    int zeros = remote == null ? zeroMask & ~gone : zeroMask | gone;
    return new BlockExtent(
        zeros, remote, remotePages, runsWithout(gone), openMask & ~gone, openBatch);
  }

  interface RunVisitor {
    void run(int firstPage, int count, long slot);
  }

  void forEachRun(RunVisitor visitor) {
    for (long run : runs) {
      visitor.run(first(run), count(run), slot(run));
    }
  }

  /** Slot runs of the own pages in {@code pages}. */
  void forEachRunIn(int pages, RunVisitor visitor) {
    for (long run : runs) {
      forEachRange(
          mask(first(run), count(run)) & pages,
          (start, length) -> visitor.run(start, length, slot(run) + start - first(run)));
    }
  }

  private long[] runsWithout(int pages) {
    if ((ownMask & pages) == 0) {
      return runs;
    }
    long[] kept = new long[PAGES];
    int[] size = {0};
    forEachRunIn(~pages, (first, count, slot) -> kept[size[0]++] = pack(first, count, slot));
    return Arrays.copyOf(kept, size[0]);
  }

  private static long[] coalesced(long[] sorted) {
    int size = 0;
    for (long run : sorted) {
      long last = size == 0 ? 0 : sorted[size - 1];
      if (size > 0
          && first(last) + count(last) == first(run)
          && slot(last) + count(last) == slot(run)
          && PageLog.sameSegment(slot(last), slot(run))) {
        sorted[size - 1] = pack(first(last), count(last) + count(run), slot(last));
      } else {
        sorted[size++] = run;
      }
    }
    return size == sorted.length ? sorted : Arrays.copyOf(sorted, size);
  }

  private static long pack(int first, int count, long slot) {
    return (slot << 10) | ((long) (count - 1) << 5) | first;
  }

  private static int first(long run) {
    return (int) (run & 31);
  }

  private static int count(long run) {
    return (int) ((run >>> 5) & 31) + 1;
  }

  private static long slot(long run) {
    return run >>> 10;
  }

  // ---- the row in the index: docs/format.md, "Overlay index" ----

  byte[] encode() {
    boolean withPages = remote != null && remotePages != ~(ownMask | zeroMask);
    ByteBuffer buffer =
        ByteBuffer.allocate(
            1
                + 1
                + 4
                + (remote == null ? 0 : BlockId.BYTES)
                + (withPages ? 4 : 0)
                + 1
                + 8 * runs.length);
    buffer.put((byte) (withPages ? FORMAT_WITH_REMOTE_PAGES : FORMAT_VERSION));
    buffer.put(remote == null ? 0 : BlockId.ALGORITHM_SHA256_LEAVES);
    buffer.putInt(zeroMask);
    if (remote != null) {
      remote.putInto(buffer);
    }
    if (withPages) {
      buffer.putInt(remotePages);
    }
    buffer.put((byte) runs.length);
    for (long run : runs) {
      buffer.putLong(run);
    }
    return buffer.array();
  }

  static BlockExtent decode(byte[] row) throws MalformedRecordException {
    ByteBuffer buffer = ByteBuffer.wrap(row);
    int format = row.length < 7 ? 0 : buffer.get();
    if (format != FORMAT_VERSION && format != FORMAT_WITH_REMOTE_PAGES) {
      throw new MalformedRecordException("block extent of an unknown format");
    }
    int algorithm = buffer.get();
    int zeroMask = buffer.getInt();
    if (algorithm != 0 && algorithm != BlockId.ALGORITHM_SHA256_LEAVES) {
      throw new MalformedRecordException("block id of an unknown algorithm");
    }
    boolean withPages = format == FORMAT_WITH_REMOTE_PAGES;
    int beforeRuns = (algorithm == 0 ? 0 : BlockId.BYTES) + (withPages ? 4 : 0);
    if (buffer.remaining() < beforeRuns + 1) {
      throw new MalformedRecordException("block extent is cut short");
    }
    BlockId remote = algorithm == 0 ? null : BlockId.take(buffer);
    int remotePages = withPages ? buffer.getInt() : ALL;
    int count = buffer.get();
    if (count < 0 || count > PAGES || buffer.remaining() != 8 * count) {
      throw new MalformedRecordException("block extent with " + count + " runs");
    }
    long[] runs = new long[count];
    int covered = 0;
    for (int i = 0; i < count; i++) {
      runs[i] = buffer.getLong();
      int mask = mask(first(runs[i]), count(runs[i]));
      if (first(runs[i]) + count(runs[i]) > PAGES || (covered & mask) != 0) {
        throw new MalformedRecordException("block extent whose runs overlap");
      }
      covered |= mask;
    }
    return new BlockExtent(zeroMask, remote, remotePages, runs, 0, -1);
  }
}
