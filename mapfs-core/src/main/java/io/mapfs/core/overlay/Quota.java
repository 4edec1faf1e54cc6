package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemStatistics;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;

/**
 * The overlay's quota: own pages, whole, and {@link #INODE_BYTES} for every own inode. What needs
 * room is refused before it is done; what gives room, or changes attributes and names of what is
 * there, never is.
 *
 * <p>Locks: its own monitor, a leaf.
 */
final class Quota {
  private static final int PAGE_BYTES = Change.PAGE_BYTES;
  private static final int BLOCK_PAGES = BlockExtent.PAGES;

  static final int INODE_BYTES = InodeState.QUOTA_BYTES;

  private final OverlayTree tree;

  /** Of which the overlay may own more: it was lowered then. 0 for none. */
  private volatile long quotaBytes;

  /** Granted and not yet owned. */
  private long pendingPages;

  /**
   * @param quotaBytes 0 for none
   */
  Quota(OverlayTree tree, long quotaBytes) {
    this.tree = tree;
    this.quotaBytes = quotaBytes;
  }

  /** From now on it is this; what is owned already stays. */
  void change(long newQuotaBytes) {
    quotaBytes = newQuotaBytes;
  }

  /**
   * Grants pages that a write is about to own; {@link #settle} gives the grant back once they are
   * owned. The caller holds the inode's monitor until then, so that the count is exact.
   *
   * @return pages granted
   * @throws FsException EDQUOT if they would pass the quota
   */
  long grant(OverlayInode inode, long firstPage, long lastPage) throws FsException {
    if (quotaBytes == 0) {
      return 0;
    }
    long more = 0;
    for (long page = firstPage; page <= lastPage; page++) {
      if (!inode.extent(page / BLOCK_PAGES).isOwned((int) (page % BLOCK_PAGES))) {
        more++;
      }
    }
    if (more > 0) {
      synchronized (this) {
        require(more * PAGE_BYTES);
        pendingPages += more;
      }
    }
    return more;
  }

  /** The granted pages are owned now, or will not be. */
  void settle(long pages) {
    if (pages > 0) {
      synchronized (this) {
        pendingPages -= pages;
      }
    }
  }

  /**
   * Refuses a new inode that would pass the quota. The caller holds the tree lock exclusively.
   *
   * @throws FsException EDQUOT
   */
  void requireInode() throws FsException {
    if (quotaBytes > 0) {
      synchronized (this) {
        require(INODE_BYTES);
      }
    }
  }

  private void require(long moreBytes) throws FsException {
    long bound = quotaBytes;
    if (bound > 0 && usedBytes() + pendingPages * PAGE_BYTES + moreBytes > bound) {
      throw new FsException(Errno.EDQUOT, "the overlay's quota is used up");
    }
  }

  private long usedBytes() {
    return tree.ownedPages.get() * PAGE_BYTES + tree.ownedInodes.get() * INODE_BYTES;
  }

  /** statfs(2): of the quota where there is one. */
  FileSystemStatistics statistics() {
    long used = (usedBytes() + PAGE_BYTES - 1) / PAGE_BYTES;
    long inodes = tree.base.inodeCount() + (1L << 32);
    long bound = quotaBytes;
    if (bound > 0) {
      long blocks = bound / PAGE_BYTES;
      long free = Math.max(0, blocks - used);
      return new FileSystemStatistics(PAGE_BYTES, blocks, free, free, inodes, 1L << 32);
    }
    long shared = tree.base.contentBytes() / PAGE_BYTES;
    long free = 1L << 38;
    return new FileSystemStatistics(PAGE_BYTES, shared + used + free, free, free, inodes, 1L << 32);
  }
}
