package io.mapfs.core.overlay;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FsException;

/**
 * Renews access times as relatime does: those of own inodes in their records, those of the
 * version's in memory alone, so that reading never makes an entry.
 */
final class AccessTimes {
  /** An access time is renewed when it is this old, whatever the other times. */
  private static final long AGE_SECONDS = 24 * 60 * 60;

  private final OverlayTree tree;
  private final FileClock clock;

  AccessTimes(OverlayTree tree, FileClock clock) {
    this.tree = tree;
    this.clock = clock;
  }

  /** The file was read. */
  void renew(long ino) throws FsException {
    FileTime now = clock.now();
    tree.lock.readLock().lock();
    try {
      if (!isStale(tree.attributes(ino), now)) {
        return;
      }
      OverlayInode inode = tree.own(ino);
      if (inode == null) {
        tree.readTimes.put(ino, now);
        return;
      }
      synchronized (inode) {
        if (now.compareTo(inode.atime) > 0 && tree.reserve(2, 0, 0)) {
          inode.atime = now;
          tree.changed(inode);
        }
      }
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  private static boolean isStale(Attributes file, FileTime now) {
    FileTime accessed = file.atime();
    return now.compareTo(accessed) > 0
        && (accessed.compareTo(file.mtime()) <= 0
            || accessed.compareTo(file.ctime()) <= 0
            || now.seconds() - accessed.seconds() >= AGE_SECONDS);
  }
}
