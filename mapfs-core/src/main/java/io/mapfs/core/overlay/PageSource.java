package io.mapfs.core.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.journal.Change;

/**
 * Where bytes of one page come from.
 *
 * @param slot of an own page
 * @param block of a remote one
 * @param inPlaceWrites tells contents of one open slot apart
 * @param limitBytes where the base ends
 */
record PageSource(
    Kind kind, long slot, BlockId block, long inPlaceWrites, int baseVersion, long limitBytes) {
  enum Kind {
    OWN,
    ZERO,
    REMOTE,
    BASE
  }

  private static final int PAGE_BYTES = Change.PAGE_BYTES;
  private static final int BLOCK_PAGES = BlockExtent.PAGES;

  /**
   * The source of a file's page, as the open batch has it. The caller holds the inode's monitor.
   */
  static PageSource of(OverlayInode inode, long page, long batch) {
    BlockExtent extent = inode.extent(page / BLOCK_PAGES);
    int inBlock = (int) (page % BLOCK_PAGES);
    Kind kind = kind(extent, inBlock);
    return switch (kind) {
      case OWN -> {
        boolean open = extent.isOpenOwn(inBlock, batch);
        yield new PageSource(
            kind, extent.slot(inBlock), null, open ? inode.inPlaceWrites : 0, 0, 0);
      }
      case ZERO -> new PageSource(kind, 0, null, 0, 0, 0);
      case REMOTE -> new PageSource(kind, 0, extent.remote(), 0, 0, 0);
      case BASE ->
          page * PAGE_BYTES >= inode.baseLimitBytes
              ? new PageSource(Kind.ZERO, 0, null, 0, 0, 0)
              : new PageSource(kind, 0, null, 0, inode.baseVersion, inode.baseLimitBytes);
    };
  }

  /**
   * Whether its bytes are in the overlay, so that hiding a part of them takes a page of its own.
   */
  boolean isContent() {
    return kind == Kind.OWN || kind == Kind.REMOTE;
  }

  static Kind kind(BlockExtent extent, int page) {
    if (extent.isOwn(page)) {
      return Kind.OWN;
    }
    if (extent.isZero(page)) {
      return Kind.ZERO;
    }
    return extent.remote() != null ? Kind.REMOTE : Kind.BASE;
  }
}
