package io.mapfs.core.overlay;

import io.mapfs.core.fs.FsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One file of the page log. Counted: the log holds it once and every reader and writer once more;
 * the descriptor is closed with the last.
 */
final class PageSegment {
  private static final Logger LOG = LoggerFactory.getLogger(PageSegment.class);

  final int index;

  /** Protected by the log, as the following are: slots that some extents name. */
  int live;

  /** Slots that are allocated and not yet published. */
  int pending;

  /** Slots that are or were in use; of the segment that is being filled, the log knows. */
  int slots;

  /** The last batch that published a slot here. */
  long lastPublished = -1;

  /** The last batch that published or released one. */
  long lastBatch = -1;

  /** Being emptied, or emptied and not to be deleted yet. */
  boolean held;

  /** Not to be emptied: it could not be read. */
  boolean kept;

  private final SegmentFile file;
  private final AtomicInteger holders = new AtomicInteger(1);

  private PageSegment(int index, SegmentFile file) {
    this.index = index;
    this.file = file;
  }

  static PageSegment create(LocalFiles files, Path path, int index) throws FsException {
    return new PageSegment(index, SegmentFile.create(files, path));
  }

  static PageSegment open(LocalFiles files, Path path, int index) throws IOException {
    try {
      PageSegment segment = new PageSegment(index, SegmentFile.open(files, path));
      segment.slots = (int) (segment.file.sizeBytes() / PageLog.PAGE_BYTES);
      return segment;
    } catch (FsException e) {
      throw new IOException("page log segment " + path + " cannot be opened: " + e.errno(), e);
    }
  }

  void pin() {
    holders.incrementAndGet();
  }

  void unpin() {
    if (holders.decrementAndGet() == 0) {
      file.close();
    }
  }

  void write(long position, ByteBuffer source) throws FsException {
    file.write(source, position);
  }

  void read(long position, ByteBuffer target) throws FsException {
    file.read(target, position);
  }

  void sync() throws FsException {
    file.sync();
  }

  /** Whether it may have lost what was written: it takes no more. */
  boolean isFailed() {
    return file.isFailed();
  }

  /** Lets go of the file on disk; readers that have it pinned may finish. */
  void delete() {
    try {
      file.unlink();
    } catch (IOException e) {
      // Not lost, only not freed: it is found dead at the next opening, and deleted then.
      LOG.warn("page log segment {} cannot be deleted: {}", file.path(), e.toString());
    }
    unpin();
  }

  void close() {
    unpin();
  }
}
