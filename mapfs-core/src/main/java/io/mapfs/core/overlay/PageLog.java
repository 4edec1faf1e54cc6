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
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Written pages in append-only segment files; a slot is one page's place.
 *
 * <p>A slot is used once: allocated, written, published (some inode's extents name it) and at last
 * released. A segment goes when it is full, none of its slots is live, and every batch that ever
 * published one of them is acknowledged. Segments that a crash recovery names and that are gone
 * already are no error: what they held was overwritten later in the journal.
 *
 * <p>Locks: its own, innermost; never held over I/O but for opening and deleting a segment file.
 */
final class PageLog implements Closeable {
  static final int PAGE_BYTES = Change.PAGE_BYTES;

  /** Slots in one segment: 64 MiB. */
  static final int SEGMENT_SLOTS = 16_384;

  /** Most pages in one allocation. */
  static final int ALLOCATION_PAGES_MAX = 2_048;

  private static final String PREFIX = "pages-";
  private static final String SUFFIX = ".seg";

  private final Path directory;
  private final Map<Integer, PageSegment> segments = new HashMap<>();
  private PageSegment current;
  private int nextSegment;
  private int nextSlot;
  private long acknowledgedBatch = -1;

  private PageLog(Path directory) {
    this.directory = directory;
  }

  /** Opens the log; what is in it counts as dead until {@link #recount}. */
  static PageLog open(Path directory) throws IOException {
    Files.createDirectories(directory);
    PageLog log = new PageLog(directory);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, PREFIX + "*" + SUFFIX)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        String number = name.substring(PREFIX.length(), name.length() - SUFFIX.length());
        int index;
        try {
          index = Integer.parseInt(number);
        } catch (NumberFormatException e) {
          throw new IOException(file + " is no page log segment: remove it", e);
        }
        log.segments.put(index, PageSegment.open(file, index));
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
    if (current == null || nextSlot + pages > SEGMENT_SLOTS) {
      Path file = directory.resolve(String.format("%s%08d%s", PREFIX, nextSegment, SUFFIX));
      PageSegment made = PageSegment.create(file, nextSegment);
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
    segment.lastBatch = Math.max(segment.lastBatch, batch);
  }

  /** Allocated slots will not be used. */
  synchronized void abandon(long slot, int count) {
    PageSegment segment = segments.get(segmentOf(slot));
    segment.pending -= count;
    collect(segment);
  }

  /** Published slots are named no more. */
  synchronized void release(long slot, int count) {
    PageSegment segment = segments.get(segmentOf(slot));
    if (segment != null) {
      segment.live -= count;
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
        && segment.lastBatch <= acknowledgedBatch
        && segments.remove(segment.index, segment)) {
      segment.delete();
    }
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

  /** The slot's segment, kept until {@link PageSegment#unpin}. */
  synchronized PageSegment pin(long slot) throws FsException {
    PageSegment segment = segments.get(segmentOf(slot));
    if (segment == null) {
      throw new FsException(Errno.EIO, "page log slot " + slot + " is gone");
    }
    segment.pin();
    return segment;
  }

  /** Brings everything written so far to disk. */
  void sync() throws FsException {
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
        failure = e;
      } finally {
        segment.unpin();
      }
    }
    if (failure != null) {
      throw failure;
    }
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

  private static int segmentOf(long slot) {
    return (int) (slot / SEGMENT_SLOTS);
  }

  @Override
  public synchronized void close() {
    segments.values().forEach(PageSegment::close);
    segments.clear();
    current = null;
  }
}
