package io.mapfs.core.tree;

/**
 * Layout of a tree index file, version 1. Big-endian; sections begin at multiples of 8 and are
 * padded with zeros; every number lies at a multiple of its size, so none crosses a page.
 *
 * <pre>
 *  0 +--------------------------------------+ -+
 *    | header (256)                         |  |
 *    | inodes    104 each, by inode number  |  |
 *    | dentries    8 each, by directory     |  |  hashed in pages
 *    |             slot, then name          |  |  of 64 KiB
 *    | names     length (1), bytes          |  |
 *    | targets   bytes                      |  |
 *    | xattrs    sets, each distinct once   |  |
 *    | blocks    32 each, zeros: a hole     |  |
 *    +--------------------------------------+ -+  pagesEnd
 *    | page hashes, 32 each                 |
 *    +--------------------------------------+
 *    | root hash (32)                       |  SHA-256 of header and page hashes
 *    +--------------------------------------+
 *
 *  header                                inode
 *    0  magic "MPTR"                       0  inode number
 *    4  format version (2)                 8  mode (2)
 *    6  zero (2)                          10  zero (2)
 *    8  version (4)                       12  nlink (4)
 *   12  inode count (4)                   16  uid (4)
 *   16  entry count (8)                   20  gid (4)
 *   24  content bytes (8)                 24  rdev (4)
 *   32  next inode number (8)             28  parent's slot (4)
 *   40  pagesEnd (8)                      32  first name's dentry (4); root: ffffffff
 *   48  six sections:                     36  first dentry | block | target offset (4)
 *         offset (8), length (8)          40  children | stored pages | target length (4)
 *  144  zeros (48)                        44  xattr set's offset (4); none: ffffffff
 *  192  length of master's name (1)       48  size (8)
 *  193  master's name (63)                56  atime, mtime, ctime, btime: seconds (8 each)
 *                                         88  the same: nanoseconds (4 each)
 *  dentry
 *    0  name's offset (4)                xattr set, at a multiple of 4
 *    4  inode's slot (4)                   0  bytes that follow (4)
 *                                          4  count (2), then per xattr in the order of names:
 *                                             name length (1), name, value length (4), value
 * </pre>
 */
final class TreeFormat {
  static final int MAGIC = 0x4d505452;
  static final int VERSION = 1;

  static final int PAGE_SHIFT = 16;
  static final int PAGE_BYTES = 1 << PAGE_SHIFT;
  static final int HASH_BYTES = 32;

  static final int HEADER_BYTES = 256;
  static final int HEADER_FORMAT_VERSION = 4;
  static final int HEADER_TREE_VERSION = 8;
  static final int HEADER_INODE_COUNT = 12;
  static final int HEADER_ENTRY_COUNT = 16;
  static final int HEADER_CONTENT_BYTES = 24;
  static final int HEADER_NEXT_INO = 32;
  static final int HEADER_PAGES_END = 40;
  static final int HEADER_SECTIONS = 48;
  static final int HEADER_MASTER = 192;
  static final int MASTER_BYTES_MAX = 63;

  static final int SECTION_INODES = 0;
  static final int SECTION_DENTRIES = 1;
  static final int SECTION_NAMES = 2;
  static final int SECTION_TARGETS = 3;
  static final int SECTION_XATTRS = 4;
  static final int SECTION_BLOCKS = 5;
  static final int SECTION_COUNT = 6;
  static final String[] SECTION_NAME = {
    "inodes", "dentries", "names", "targets", "xattrs", "blocks"
  };

  static final int INODE_BYTES = 104;
  static final int INODE_INO = 0;
  static final int INODE_MODE = 8;
  static final int INODE_NLINK = 12;
  static final int INODE_UID = 16;
  static final int INODE_GID = 20;
  static final int INODE_RDEV = 24;
  static final int INODE_PARENT = 28;
  static final int INODE_DENTRY = 32;
  static final int INODE_CONTENT = 36;
  static final int INODE_CONTENT_COUNT = 40;
  static final int INODE_XATTRS = 44;
  static final int INODE_SIZE = 48;
  static final int INODE_SECONDS = 56;
  static final int INODE_NANOS = 88;

  static final int DENTRY_BYTES = 8;
  static final int DENTRY_NAME = 0;
  static final int DENTRY_SLOT = 4;

  static final int XATTR_SET_ALIGNMENT = 4;

  /** Space is counted in pages of this many bytes. */
  static final int SPACE_BYTES = 4096;

  /** Stands for "none" in fields that hold an index or offset. */
  static final int NONE = -1;

  /** What stat(2) shows as a directory's size. */
  static final int DIRECTORY_SIZE_BYTES = 4096;

  private TreeFormat() {}

  static long alignedTo8(long bytes) {
    return (bytes + 7) & ~7L;
  }
}
