package io.mapfs.core.fs;

/**
 * Inode numbers and the kernel's node ids.
 *
 * <pre>
 *   63        48 47 46                                0
 *  +------------+--+-----------------------------------+
 *  | generation | o |              number              |
 *  +------------+--+-----------------------------------+
 * </pre>
 *
 * The lower 48 bits are the permanent inode number (st_ino). Bit 47 ({@code o}) tells overlay
 * numbers from repository numbers; neither is ever reused. The content generation rises when a live
 * update or rollback replaces an inode's content under running programs, because one node id has
 * one page cache.
 */
public final class NodeId {
  /** Inode number and, at generation 0, node id of the root (FUSE_ROOT_ID). */
  public static final long ROOT = 1;

  /** First inode number of an overlay's own range. */
  public static final long FIRST_OVERLAY_INO = 1L << 47;

  private static final long INO_MASK = (1L << 48) - 1;

  private NodeId() {}

  public static long of(long ino, int generation) {
    return ino | ((long) generation << 48);
  }

  public static long ino(long node) {
    return node & INO_MASK;
  }

  public static int generation(long node) {
    return (int) (node >>> 48);
  }

  /** Whether this inode was born in an overlay (and so has no repository entry in any version). */
  public static boolean isOverlayIno(long ino) {
    return (ino & FIRST_OVERLAY_INO) != 0;
  }
}
