package io.mapfs.core.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.tree.RepositoryTree;
import java.nio.ByteBuffer;
import java.util.BitSet;

/**
 * Gives the content of small files of the version away when they are opened, so that the kernel
 * need not ask for it.
 *
 * <p>What is given lands in the kernel's pages as it is. So it is given only while nobody else has
 * the file open, who could have written to those pages, and while no change of the file can begin:
 * a new open waits for the inode's count, anything that changes it without an open first makes it
 * the overlay's own, which the tree lock forbids meanwhile.
 */
final class Preloader {
  private final OverlayTree tree;
  private final SourceReader sources;
  private final AccessTimes accessTimes;

  /** Slots whose content the kernel was given since it looked them up first. Guarded by itself. */
  private final BitSet given = new BitSet();

  Preloader(OverlayTree tree, SourceReader sources, AccessTimes accessTimes) {
    this.tree = tree;
    this.sources = sources;
    this.accessTimes = accessTimes;
  }

  boolean preload(long node, ByteBuffer target, Runnable store) throws FsException {
    long ino = NodeId.ino(node);
    int slot = tree.baseSlot(ino);
    if (slot == RepositoryTree.NONE
        || !isSmall(slot, target.remaining())
        || isGiven(slot)
        || !isUntouched(ino)) {
      return false;
    }
    target.limit(target.position() + (int) tree.base.attributes(slot).sizeBytes());
    if (!sources.readBaseAtHand(slot, target)) {
      return false;
    }
    boolean stored;
    tree.lock.readLock().lock();
    try {
      stored = tree.own(ino) == null && tree.opens.ifOnce(ino, store);
    } finally {
      tree.lock.readLock().unlock();
    }
    if (stored) {
      synchronized (given) {
        given.set(slot);
      }
      accessTimes.renew(ino);
    }
    return stored;
  }

  private boolean isSmall(int slot, int bytesMax) {
    Attributes file = tree.base.attributes(slot);
    return file.type() == FileType.REGULAR
        && file.sizeBytes() > 0
        && file.sizeBytes() <= Math.min(bytesMax, BlockId.BLOCK_BYTES);
  }

  private boolean isGiven(int slot) {
    synchronized (given) {
      return given.get(slot);
    }
  }

  /** A look ahead, to save the reading; what counts is the one under the lock of the store. */
  private boolean isUntouched(long ino) throws FsException {
    tree.lock.readLock().lock();
    try {
      return tree.own(ino) == null;
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  /** The kernel no longer has the inode, nor its pages. */
  void forgotten(long ino) {
    int slot = tree.baseSlot(ino);
    if (slot != RepositoryTree.NONE) {
      synchronized (given) {
        given.clear(slot);
      }
    }
  }
}
