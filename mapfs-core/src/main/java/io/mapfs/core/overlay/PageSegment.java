package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
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

  /** Heap buffers are copied through pieces of this many bytes. */
  private static final int COPY_BYTES = 128 << 10;

  private static final ThreadLocal<ByteBuffer> COPY =
      ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(COPY_BYTES));

  final int index;

  /** Protected by the log, as the following are: slots that some extents name. */
  int live;

  /** Slots that are allocated and not yet published. */
  int pending;

  /** Slots that are or were in use; of the segment that is being filled, the log knows. */
  int slots;

  /** The last batch that published a slot here. */
  long lastBatch = -1;

  private final Path file;
  private final Descriptor descriptor;
  private final AtomicInteger holders = new AtomicInteger(1);
  private volatile boolean unsynced;

  private PageSegment(Path file, int index, Descriptor descriptor) {
    this.file = file;
    this.index = index;
    this.descriptor = descriptor;
  }

  static PageSegment create(Path file, int index) throws FsException {
    int flags = OpenFlags.O_RDWR | OpenFlags.O_CREAT | OpenFlags.O_EXCL;
    return new PageSegment(file, index, Posix.open(file.toString(), flags, 0600));
  }

  static PageSegment open(Path file, int index) throws IOException {
    try {
      PageSegment segment =
          new PageSegment(file, index, Posix.open(file.toString(), OpenFlags.O_RDWR, 0));
      segment.slots = (int) (Files.size(file) / PageLog.PAGE_BYTES);
      return segment;
    } catch (FsException e) {
      throw new IOException("page log segment " + file + " cannot be opened: " + e.errno(), e);
    }
  }

  void pin() {
    holders.incrementAndGet();
  }

  void unpin() {
    if (holders.decrementAndGet() == 0) {
      descriptor.close();
    }
  }

  void write(long position, ByteBuffer source) throws FsException {
    unsynced = true;
    if (source.isDirect()) {
      Posix.pwriteFully(descriptor.number(), source, position);
      return;
    }
    ByteBuffer copy = COPY.get();
    long at = position;
    while (source.hasRemaining()) {
      int length = Math.min(COPY_BYTES, source.remaining());
      copy.clear().put(source.slice(source.position(), length)).flip();
      Posix.pwriteFully(descriptor.number(), copy, at);
      source.position(source.position() + length);
      at += length;
    }
  }

  void read(long position, ByteBuffer target) throws FsException {
    long at = position;
    while (target.hasRemaining()) {
      int count;
      if (target.isDirect()) {
        count = Posix.pread(descriptor.number(), target, at);
      } else {
        ByteBuffer copy = COPY.get().clear();
        copy.limit(Math.min(COPY_BYTES, target.remaining()));
        count = Posix.pread(descriptor.number(), copy, at);
        target.put(copy.flip());
      }
      if (count < 0) {
        throw new FsException(Errno.EIO, "page log segment " + file + " ends at " + at);
      }
      at += count;
    }
  }

  void sync() throws FsException {
    if (unsynced) {
      // Cleared first: a write beside this call is then synced again, not forgotten.
      unsynced = false;
      try {
        Posix.fdatasync(descriptor.number());
      } catch (FsException e) {
        unsynced = true;
        throw e;
      }
    }
  }

  /** Lets go of the file on disk; readers that have it pinned may finish. */
  void delete() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // Not lost, only not freed: it is found dead at the next opening, and deleted then.
      LOG.warn("page log segment {} cannot be deleted: {}", file, e.toString());
    }
    unpin();
  }

  void close() {
    unpin();
  }
}
