package io.mapfs.core.overlay;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.posix.OpenFlags;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who uses an inode: the kernel by lookups, programs by open handles. An inode without a name goes
 * with its last user.
 *
 * <p>Handles hold no state: they are the inode number and whether the open was for writing.
 */
final class InodeUsers {
  private static final Logger LOG = LoggerFactory.getLogger(InodeUsers.class);

  /** Bit of a handle: opened for writing. */
  private static final long WRITER = 1L << 48;

  private final OverlayTree tree;
  private final Batches batches;

  InodeUsers(OverlayTree tree, Batches batches) {
    this.tree = tree;
    this.batches = batches;
  }

  /** Counts a lookup and gives its reply. The caller holds the tree lock. */
  Attributes looked(long ino) throws FsException {
    Attributes attributes = tree.attributes(ino);
    if (ino != NodeId.ROOT) {
      tree.lookups.add(ino, 1);
    }
    return attributes;
  }

  /** Takes lookups back; returns whether the kernel has none left. */
  boolean forget(long node, long count) {
    long ino = NodeId.ino(node);
    if (ino == NodeId.ROOT || !tree.lookups.subtract(ino, count)) {
      return false;
    }
    dropIfUnused(ino);
    return true;
  }

  /** Counts an open. The caller holds the tree lock, so that the inode cannot go meanwhile. */
  long opened(long ino, int flags) {
    tree.opens.add(ino, 1);
    boolean writes = (flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY;
    if (writes) {
      tree.writers.add(ino, 1);
    }
    return writes ? ino | WRITER : ino;
  }

  /** Takes an open back. */
  void closed(long handle) {
    long ino = handle & ~WRITER;
    if ((handle & WRITER) != 0) {
      tree.writers.subtract(ino, 1);
    }
    if (tree.opens.subtract(ino, 1)) {
      dropIfUnused(ino);
    }
  }

  /** Drops an inode that has lost its name and its last user. */
  private void dropIfUnused(long ino) {
    tree.lock.readLock().lock();
    try {
      if (!tree.isOrphan(ino)) {
        return;
      }
    } finally {
      tree.lock.readLock().unlock();
    }
    tree.lock.writeLock().lock();
    try {
      dropIfUnusedLocked(ino);
    } catch (FsException e) {
      // It stays an orphan, and the next mount sweeps it.
      LOG.warn("orphan {} cannot be dropped now: {}", ino, e.getMessage());
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  /** The same under the tree lock, held exclusively. */
  void dropIfUnusedLocked(long ino) throws FsException {
    if (tree.isUnused(ino)) {
      batches.reserve(2, 0, 0);
      OverlayInode inode = tree.own(ino);
      if (inode != null) {
        tree.drop(inode);
      }
    }
  }
}
