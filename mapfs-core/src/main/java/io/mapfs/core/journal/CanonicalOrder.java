package io.mapfs.core.journal;

import io.mapfs.core.fs.Name;
import java.util.Comparator;

/**
 * The order of changes in a record: by kind in the order of {@link Change}; then by inode number or
 * parent (unsigned); then by name, page or block. Two changes that compare as equal may not stand
 * in one record.
 */
public final class CanonicalOrder implements Comparator<Change> {
  public static final CanonicalOrder INSTANCE = new CanonicalOrder();

  private CanonicalOrder() {}

  @Override
  public int compare(Change left, Change right) {
    int order = Integer.compare(ChangeKind.of(left).code(), ChangeKind.of(right).code());
    if (order == 0) {
      order = Long.compareUnsigned(inode(left), inode(right));
    }
    if (order == 0) {
      order = Long.compare(position(left), position(right));
    }
    if (order == 0) {
      Name leftName = name(left);
      Name rightName = name(right);
      order = leftName == null || rightName == null ? 0 : leftName.compareTo(rightName);
    }
    return order;
  }

  private static long inode(Change change) {
    return switch (ChangeKind.of(change)) {
      case DROP_INODE -> ((Change.DropInode) change).ino();
      case PUT_INODE -> ((Change.PutInode) change).ino();
      case PUT_XATTRS -> ((Change.PutXattrs) change).ino();
      case TRUNCATE_PAGES -> ((Change.TruncatePages) change).ino();
      case ZERO_PAGES -> ((Change.ZeroPages) change).ino();
      case WRITE_PAGES -> ((Change.WritePages) change).ino();
      case PUT_BLOCK -> ((Change.PutBlock) change).ino();
      case PUT_DENTRY -> ((Change.PutDentry) change).parentIno();
      case PUT_WHITEOUT -> ((Change.PutWhiteout) change).parentIno();
      case DROP_DENTRY -> ((Change.DropDentry) change).parentIno();
    };
  }

  private static long position(Change change) {
    return switch (ChangeKind.of(change)) {
      case ZERO_PAGES -> ((Change.ZeroPages) change).firstPage();
      case WRITE_PAGES -> ((Change.WritePages) change).firstPage();
      case PUT_BLOCK -> ((Change.PutBlock) change).blockIndex();
      case DROP_INODE,
          PUT_INODE,
          PUT_XATTRS,
          TRUNCATE_PAGES,
          PUT_DENTRY,
          PUT_WHITEOUT,
          DROP_DENTRY ->
          0;
    };
  }

  private static Name name(Change change) {
    return switch (ChangeKind.of(change)) {
      case PUT_DENTRY -> ((Change.PutDentry) change).name();
      case PUT_WHITEOUT -> ((Change.PutWhiteout) change).name();
      case DROP_DENTRY -> ((Change.DropDentry) change).name();
      case DROP_INODE, PUT_INODE, PUT_XATTRS, TRUNCATE_PAGES, ZERO_PAGES, WRITE_PAGES, PUT_BLOCK ->
          null;
    };
  }
}
