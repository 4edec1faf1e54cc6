package io.mapfs.core.journal;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import java.util.SortedMap;

/**
 * One result that a journal record states. Applying it twice is applying it once.
 *
 * <p>Canonical order in a record: by kind in the order of this file; then by inode number or
 * parent; then by name, page or block. So for one inode, content is first cut, then zeroed, then
 * written.
 */
public sealed interface Change {
  /** Content is moved and tracked in pages of this many bytes. */
  int PAGE_BYTES = BlockId.LEAF_BYTES;

  /**
   * The inode's own record goes, with its xattrs and extents: it has no name and no opener any
   * more.
   */
  record DropInode(long ino) implements Change {}

  /** The inode's own record is this. */
  record PutInode(long ino, InodeState state) implements Change {}

  /** The inode's own xattr set is this, whole. */
  record PutXattrs(long ino, SortedMap<Name, byte[]> xattrs) implements Change {}

  /**
   * Content from this page on is gone: own extents are dropped and the base is not seen there; it
   * reads as zeros until written. (The bytes between the new end and this page were written as
   * zeros.)
   */
  record TruncatePages(long ino, long firstPage) implements Change {}

  /** These pages read as zeros: a punched hole, or a zeroed range. */
  record ZeroPages(long ino, long firstPage, long pageCount) implements Change {}

  /**
   * These whole pages were written. Their bytes travel beside the record, in the order in which the
   * record names them; what the last page has past the end of the file is zeros.
   *
   * @param pageHashes SHA-256 of each page, 32 bytes each, in order
   */
  record WritePages(long ino, long firstPage, byte[] pageHashes) implements Change {
    /** Bytes of one page's hash. */
    public static final int HASH_BYTES = 32;

    public int pageCount() {
      return pageHashes.length / HASH_BYTES;
    }
  }

  /**
   * The whole block is this one, which the appliance has; {@code null}: it reads as zeros. Content
   * past the block's own length reads as zeros.
   *
   * @param ownPages one bit a page, the first lowest: what of it is the overlay's own, and not a
   *     copy of the version's; all in a record, where a block is named as a whole
   */
  record PutBlock(long ino, long blockIndex, BlockId id, int ownPages) implements Change {
    public static final int ALL_PAGES = -1;

    /** A block that is the overlay's own as a whole. */
    public PutBlock(long ino, long blockIndex, BlockId id) {
      this(ino, blockIndex, id, ALL_PAGES);
    }
  }

  /**
   * The name is the overlay's own and points at this inode.
   *
   * @param cookie the name's permanent place in its directory's listing (readdir), never reused
   */
  record PutDentry(long parentIno, Name name, long ino, FileType type, long cookie)
      implements Change {}

  /** The name is hidden: the version's entry of that name is not seen. */
  record PutWhiteout(long parentIno, Name name) implements Change {}

  /** The overlay says nothing of the name any more: the version's entry, if any, shows again. */
  record DropDentry(long parentIno, Name name) implements Change {}
}
