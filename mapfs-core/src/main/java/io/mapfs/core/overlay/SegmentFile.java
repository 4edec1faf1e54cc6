package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A segment's file, and what of it is on disk.
 *
 * <p>A sync that failed stays failed: the kernel reports a page that it could not write once, and
 * may drop it, so that a later fdatasync(2) says nothing of what the first one lost. Such a segment
 * takes no more, and is of use again only in so far as the appliance has what it held.
 *
 * <p>Safe for concurrent use.
 */
final class SegmentFile {
  private final LocalFiles files;
  private final Path path;
  private final LocalFile file;
  private final Object syncing = new Object();
  private volatile boolean unsynced;
  private volatile boolean failed;

  /** Whether the directory has the file's name on disk. Protected by {@link #syncing}. */
  private boolean named;

  private SegmentFile(LocalFiles files, Path path, LocalFile file, boolean named) {
    this.files = files;
    this.path = path;
    this.file = file;
    this.named = named;
    this.unsynced = !named;
  }

  /** Makes an empty file; what is of that name goes. */
  static SegmentFile create(LocalFiles files, Path path) throws FsException {
    return new SegmentFile(files, path, files.create(path), /* named= */ false);
  }

  static SegmentFile open(LocalFiles files, Path path) throws FsException {
    return new SegmentFile(files, path, files.open(path), /* named= */ true);
  }

  Path path() {
    return path;
  }

  void write(ByteBuffer source, long position) throws FsException {
    file.write(source, position);
    // Set after: set before, a sync in between could clear it and not see the bytes.
    unsynced = true;
  }

  /**
   * Fills the buffer.
   *
   * @throws FsException EIO also where the file ends before
   */
  void read(ByteBuffer target, long position) throws FsException {
    long at = position;
    while (target.hasRemaining()) {
      int count = file.read(target, at);
      if (count < 0) {
        throw new FsException(Errno.EIO, path + " ends at " + at);
      }
      at += count;
    }
  }

  /**
   * Brings what was written before to disk, the file's name included.
   *
   * @throws FsException if that failed, now or ever
   */
  void sync() throws FsException {
    // Also where all is marked as synced: another thread may still be at it.
    synchronized (syncing) {
      requireSound();
      if (!unsynced) {
        return;
      }
      // Cleared first, for the same reason.
      unsynced = false;
      try {
        if (!named) {
          files.syncDirectory(path.getParent());
          named = true;
        }
        file.sync();
      } catch (FsException e) {
        failed = true;
        throw e;
      }
    }
  }

  private void requireSound() throws FsException {
    if (failed) {
      throw new FsException(Errno.EIO, path + " could not be synced before");
    }
  }

  /** Whether a sync failed: what was written may be lost, whatever later calls say. */
  boolean isFailed() {
    return failed;
  }

  void truncate(long bytes) throws FsException {
    file.truncate(bytes);
    unsynced = true;
  }

  long sizeBytes() throws FsException {
    return file.sizeBytes();
  }

  /** Removes the name; who has the file open may go on. */
  void unlink() throws IOException {
    Files.deleteIfExists(path);
  }

  void close() {
    file.close();
  }
}
