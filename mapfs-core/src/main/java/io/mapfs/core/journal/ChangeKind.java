package io.mapfs.core.journal;

import java.util.Map;

/** The kinds of {@link Change} with their codes in formats; the codes' order is canonical. */
public enum ChangeKind {
  DROP_INODE(1),
  PUT_INODE(2),
  PUT_XATTRS(3),
  TRUNCATE_PAGES(4),
  ZERO_PAGES(5),
  WRITE_PAGES(6),
  PUT_BLOCK(7),
  PUT_DENTRY(8),
  PUT_WHITEOUT(9),
  DROP_DENTRY(10);

  private static final ChangeKind[] BY_CODE = new ChangeKind[11];

  private static final Map<Class<? extends Change>, ChangeKind> BY_CLASS =
      Map.of(
          Change.DropInode.class, DROP_INODE,
          Change.PutInode.class, PUT_INODE,
          Change.PutXattrs.class, PUT_XATTRS,
          Change.TruncatePages.class, TRUNCATE_PAGES,
          Change.ZeroPages.class, ZERO_PAGES,
          Change.WritePages.class, WRITE_PAGES,
          Change.PutBlock.class, PUT_BLOCK,
          Change.PutDentry.class, PUT_DENTRY,
          Change.PutWhiteout.class, PUT_WHITEOUT,
          Change.DropDentry.class, DROP_DENTRY);

  static {
    for (ChangeKind kind : values()) {
      BY_CODE[kind.code] = kind;
    }
  }

  private final int code;

  ChangeKind(int code) {
    this.code = code;
  }

  /** The byte that stands for this kind in formats. */
  public int code() {
    return code;
  }

  /** The change's kind; a switch over it is complete. */
  public static ChangeKind of(Change change) {
    return BY_CLASS.get(change.getClass());
  }

  /** The kind of a code; {@code null} where it names none. */
  static ChangeKind ofCode(int code) {
    return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
  }
}
