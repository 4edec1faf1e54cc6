package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.journal.Change;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Written pages in append-only segment files; a slot is one page's place.
 *
 * <p>A slot is used once: allocated, written, published (some inode's extents name it) and at last
 * released. A segment goes when it is full, none of its slots is live, and every batch that ever
 * published or released one of them is acknowledged: until then a crash may go back to a record
 * that names it. Segments that a crash recovery names and that are gone already are no error: what
 * they held was overwritten later in the journal.
 *
 * <p>Segments that are mostly dead are emptied by {@link PageCompactor}. They are <em>held</em>
 * from its choice until the index is on disk without them, and are not deleted meanwhile even if
 * nothing in the heap names them.
 *
 * <p>Locks: its own, innermost; never held over I/O but for opening and deleting a segment file.
 */
final class PageLog implements Closeable {
  static final int PAGE_BYTES = Change.PAGE_BYTES;

  /** Most slots in one segment: 64 MiB. */
  static final int SEGMENT_SLOTS = 16_384;

  /** Full segments that are kept whatever their pages' share, so that small logs are left alone. */
  static final int SPARE_SEGMENTS = 2;

  /** Most segments that are emptied in one round: what they have live is there twice meanwhile. */
  static final int VICTIMS_MAX = 4;

  /** Most pages in one allocation. */
  static final int ALLOCATION_PAGES_MAX = 2_048;

  private static final String PREFIX = "pages-";
  private static final String SUFFIX = ".seg";

  private final LocalFiles files;
  private final Path directory;
  private final int segmentSlots;
  private final Map<Integer, PageSegment> segments = new HashMap<>();
  private PageSegment current;
  private int nextSegment;
  private int nextSlot;
  private long acknowledgedBatch = -1;

  /** Segments that went since the log was opened: who comes too late for one looks again. */
  private final Set<Integer> collected = new HashSet<>();

  private PageLog(LocalFiles files, Path directory, int segmentSlots) {
    this.files = files;
    this.directory = directory;
    this.segmentSlots = segmentSlots;
  }

  /**
   * Opens the log in a directory that is there; what is in it counts as dead until {@link
   * #recount}.
   *
   * @param segmentSlots where a segment ends, at most {@link #SEGMENT_SLOTS}
   */
  static PageLog open(LocalFiles files, Path directory, int segmentSlots) throws IOException {
    PageLog log = new PageLog(files, directory, segmentSlots);
    try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, PREFIX + "*" + SUFFIX)) {
      for (Path file : found) {
        String name = file.getFileName().toString();
        String number = name.substring(PREFIX.length(), name.length() - SUFFIX.length());
        int index;
        try {
          index = Integer.parseInt(number);
        } catch (NumberFormatException e) {
          throw new IOException(file + " is no page log segment: remove it", e);
        }
        log.segments.put(index, PageSegment.open(files, file, index));
        log.nextSegment = Math.max(log.nextSegment, index + 1);
      }
    } catch (IOException | RuntimeException e) {
      log.close();
      throw e;
    }
    return log;
  }

  /** Counts slots as live that the index names; for opening only. */
  synchronized void recount(long slot, int count) {
    PageSegment segment = segments.get(segmentOf(slot));
    if (segment != null) {
      segment.live += count;
    }
  }

  /**
   * Allocates consecutive slots, to be written, and then published or abandoned.
   *
   * @throws FsException ENOSPC or EIO if a new segment cannot be made
   */
  synchronized long allocate(int pages) throws FsException {
    if (pages < 1 || pages > ALLOCATION_PAGES_MAX) {
      throw new IllegalArgumentException("allocation of " + pages + " pages");
    }
    boolean room = nextSlot + pages <= segmentSlots || (nextSlot == 0 && pages <= SEGMENT_SLOTS);
    if (current == null || !room || current.isFailed()) {
      Path file = directory.resolve(String.format("%s%08d%s", PREFIX, nextSegment, SUFFIX));
      PageSegment made = PageSegment.create(files, file, nextSegment);
      segments.put(nextSegment, made);
      PageSegment full = current;
      if (full != null) {
        full.slots = nextSlot;
      }
      current = made;
      nextSegment++;
      nextSlot = 0;
      if (full != null) {
        collect(full);
      }
    }
    long slot = (long) current.index * SEGMENT_SLOTS + nextSlot;
    nextSlot += pages;
    current.pending += pages;
    return slot;
  }

  /** Allocated slots are now named by an inode's extents, in this open batch. */
  synchronized void publish(long slot, int count, long batch) {
    PageSegment segment = segments.get(segmentOf(slot));
    segment.pending -= count;
    segment.live += count;
    segment.lastPublished = Math.max(segment.lastPublished, batch);
    segment.lastBatch = Math.max(segment.lastBatch, batch);
  }

  /** Allocated slots will not be used. */
  synchronized void abandon(long slot, int count) {
    PageSegment segment = segments.get(segmentOf(slot));
    segment.pending -= count;
    collect(segment);
  }

  /** Published slots are named no more, from this open batch on. */
  synchronized void release(long slot, int count, long batch) {
    PageSegment segment = segments.get(segmentOf(slot));
    if (segment != null) {
      segment.live -= count;
      segment.lastBatch = Math.max(segment.lastBatch, batch);
      collect(segment);
    }
  }

  /** Every batch up to this one is durable at the appliance. */
  synchronized void acknowledged(long batch) {
    acknowledgedBatch = Math.max(acknowledgedBatch, batch);
    for (PageSegment segment : new ArrayList<>(segments.values())) {
      collect(segment);
    }
  }

  private void collect(PageSegment segment) {
    if (segment != current
        && segment.live <= 0
        && segment.pending == 0
        && !segment.held
        && segment.lastBatch <= acknowledgedBatch
        && segments.remove(segment.index, segment)) {
      collected.add(segment.index);
      segment.delete();
    }
  }

  // ---- compaction ----

  /**
   * Chooses segments to be emptied, if the full ones take more than twice what lives in them and
   * {@link #SPARE_SEGMENTS}: those with the least in them, half of their slots at most. No record
   * that is not acknowledged names one of their slots. They are held until {@link #releaseHeld}.
   *
   * @return their numbers; empty if there is nothing to be done
   */
  synchronized Set<Integer> holdMostlyDead() {
    List<PageSegment> full = new ArrayList<>();
    long live = 0;
    for (PageSegment segment : segments.values()) {
      if (segment != current
          && segment.live > 0
          && segment.pending == 0
          && !segment.kept
          && !segment.isFailed()
          && segment.lastPublished <= acknowledgedBatch) {
        full.add(segment);
        live += segment.live;
      }
    }
    Set<Integer> chosen = new HashSet<>();
    if ((full.size() - SPARE_SEGMENTS) * (long) segmentSlots > 2 * live) {
      full.sort(Comparator.comparingInt(segment -> segment.live));
      for (PageSegment segment : full) {
        if (chosen.size() < VICTIMS_MAX && segment.live <= segmentSlots / 2) {
          segment.held = true;
          chosen.add(segment.index);
        }
      }
    }
    return chosen;
  }

  /** Whether segments are held. */
  synchronized boolean isHolding() {
    return segments.values().stream().anyMatch(segment -> segment.held);
  }

  /** The index is on disk: what was moved out of the segments that are held is not named there. */
  synchronized void releaseHeld() {
    for (PageSegment segment : new ArrayList<>(segments.values())) {
      segment.held = false;
      collect(segment);
    }
  }

  /** The slot's segment cannot be read: it is left as it is. */
  synchronized void keep(long slot) {
    PageSegment segment = segments.get(segmentOf(slot));
    if (segment != null) {
      segment.kept = true;
    }
  }

  /** Allocated slots now hold copies of what acknowledged records wrote. */
  synchronized void publishCopy(long slot, int count) {
    PageSegment segment = segments.get(segmentOf(slot));
    segment.pending -= count;
    segment.live += count;
  }

  /** Slots were copied and are named no more, by the heap or the index. */
  synchronized void releaseCopied(long slot, int count) {
    segments.get(segmentOf(slot)).live -= count;
  }

  /** Forgets everything; for a copy of the overlay that is fetched anew. */
  synchronized void clear() {
    for (PageSegment segment : segments.values()) {
      segment.delete();
    }
    segments.clear();
    current = null;
    nextSlot = 0;
  }

  /**
   * Writes at a slot. The caller allocated the slots, or holds what keeps their batch open.
   *
   * @throws FsException ENOSPC or EIO
   */
  void write(long slot, int offsetBytes, ByteBuffer source) throws FsException {
    PageSegment segment = pin(slot);
    try {
      segment.write(positionOf(slot) + offsetBytes, source);
    } finally {
      segment.unpin();
    }
  }

  /**
   * Reads from a slot on into all that remains of the buffer.
   *
   * @throws FsException EIO if the log no longer has these bytes
   */
  void read(long slot, int offsetBytes, ByteBuffer target) throws FsException {
    PageSegment segment = pin(slot);
    try {
      segment.read(positionOf(slot) + offsetBytes, target);
    } finally {
      segment.unpin();
    }
  }

  /**
   * Reads as {@link #read} does, for a caller that looked at an extent before and holds no lock
   * now.
   *
   * @return false if the slot's segment went since: the extent says something else by now
   */
  boolean readUnlessMoved(long slot, ByteBuffer target) throws FsException {
    PageSegment segment;
    synchronized (this) {
      if (collected.contains(segmentOf(slot))) {
        return false;
      }
      segment = pin(slot);
    }
    try {
      segment.read(positionOf(slot), target);
      return true;
    } finally {
      segment.unpin();
    }
  }

  /** The slot's segment, kept until {@link PageSegment#unpin}. */
  synchronized PageSegment pin(long slot) throws FsException {
    PageSegment segment = segments.get(segmentOf(slot));
    if (segment == null) {
      throw new FsException(Errno.EIO, "page log slot " + slot + " is gone");
    }
    segment.pin();
    return segment;
  }

  /**
   * Brings everything written so far to disk.
   *
   * @param acknowledged last batch that is durable at the appliance
   * @throws FsException if a segment cannot be synced, or could not be before, and holds what a
   *     later batch published
   */
  void sync(long acknowledged) throws FsException {
    List<PageSegment> all = new ArrayList<>();
    synchronized (this) {
      for (PageSegment segment : segments.values()) {
        segment.pin();
        all.add(segment);
      }
    }
    FsException failure = null;
    for (PageSegment segment : all) {
      try {
        segment.sync();
      } catch (FsException e) {
        failure = lastPublished(segment) <= acknowledged ? failure : e;
      } finally {
        segment.unpin();
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private synchronized long lastPublished(PageSegment segment) {
    return segment.lastPublished;
  }

  /** Whether every segment is on disk as it was written, as far as anyone can tell. */
  synchronized boolean isSound() {
    return segments.values().stream().noneMatch(PageSegment::isFailed);
  }

  /** Size of all segments. */
  synchronized long bytes() {
    long slots = 0;
    for (PageSegment segment : segments.values()) {
      slots += segment == current ? nextSlot : segment.slots;
    }
    return slots * PAGE_BYTES;
  }

  static long positionOf(long slot) {
    return slot % SEGMENT_SLOTS * PAGE_BYTES;
  }

  static boolean sameSegment(long slot, long other) {
    return segmentOf(slot) == segmentOf(other);
  }

  static int segmentOf(long slot) {
    return (int) (slot / SEGMENT_SLOTS);
  }

  @Override
  public synchronized void close() {
    segments.values().forEach(PageSegment::close);
    segments.clear();
    current = null;
  }
}
