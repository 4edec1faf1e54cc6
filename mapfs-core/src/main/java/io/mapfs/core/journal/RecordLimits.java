package io.mapfs.core.journal;

/** Bounds on records and on what they hold, checked before anything is allocated. */
public final class RecordLimits {
  /** Most page bytes in one record. */
  public static final int MAX_PAGE_BYTES = 8 << 20;

  /** Most pages in one record. */
  public static final int MAX_PAGES = MAX_PAGE_BYTES / Change.PAGE_BYTES;

  /** Most changes in one record. */
  public static final int MAX_CHANGES = 65_536;

  /** Most encoded bytes of one record, its pages left out. */
  public static final int MAX_RECORD_BYTES = 6 << 20;

  /** Most bytes of a node's name. */
  public static final int MAX_NODE_BYTES = 63;

  /** Most bytes of a symlink's target (PATH_MAX without its NUL). */
  public static final int MAX_SYMLINK_BYTES = 4095;

  /** Most bytes of one xattr's value (XATTR_SIZE_MAX). */
  public static final int MAX_XATTR_VALUE_BYTES = 64 << 10;

  /** Most encoded bytes of one inode's xattr set. */
  public static final int MAX_XATTRS_BYTES = 1 << 20;

  /** Largest file in bytes: as many pages as the kernel's page cache can index with 63 bits. */
  public static final long MAX_FILE_BYTES = Long.MAX_VALUE & -Change.PAGE_BYTES;

  private RecordLimits() {}
}
