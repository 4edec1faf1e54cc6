package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemStatistics;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.journal.Change;

/** The overlay's quota. */
final class Quota {
  private static final int PAGE_BYTES = Change.PAGE_BYTES;
  private static final int BLOCK_PAGES = BlockExtent.PAGES;

  private final OverlayTree tree;
  private final long quotaBytes;
  private final long quotaPages;

  Quota(OverlayTree tree, long quotaBytes) {
    this.tree = tree;
    this.quotaBytes = quotaBytes;
    this.quotaPages = quotaBytes == 0 ? Long.MAX_VALUE : quotaBytes / PAGE_BYTES;
  }

  /** Refuses a write of these pages that would pass the quota. Monitor, or exclusive. */
  void require(OverlayInode inode, long firstPage, long lastPage) throws FsException {
    if (quotaPages == Long.MAX_VALUE) {
      return;
    }
    long more = 0;
    for (long page = firstPage; page <= lastPage; page++) {
      PageSource.Kind source =
          PageSource.kind(inode.extent(page / BLOCK_PAGES), (int) (page % BLOCK_PAGES));
      if (source == PageSource.Kind.BASE || source == PageSource.Kind.ZERO) {
        more++;
      }
    }
    if (more > 0 && tree.ownedPages.get() + more > quotaPages) {
      throw new FsException(Errno.ENOSPC, "the overlay's quota is used up");
    }
  }

  /** statfs(2): of the quota where there is one. */
  FileSystemStatistics statistics() {
    long owned = tree.ownedPages.get();
    long inodes = tree.base.inodeCount() + (1L << 32);
    if (quotaBytes > 0) {
      long blocks = quotaBytes / PAGE_BYTES;
      long free = Math.max(0, blocks - owned);
      return new FileSystemStatistics(PAGE_BYTES, blocks, free, free, inodes, 1L << 32);
    }
    long shared = tree.base.contentBytes() / PAGE_BYTES;
    long free = 1L << 38;
    return new FileSystemStatistics(
        PAGE_BYTES, shared + owned + free, free, free, inodes, 1L << 32);
  }
}
