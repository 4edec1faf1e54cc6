package io.mapfs.core.overlay;

import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;

/** What a file loses when its content or its owner changes. */
final class Privileges {
  private static final int SETUID = 04000;
  private static final int SETGID = 02000;
  private static final int GROUP_EXECUTE = 010;

  private final OverlayTree tree;

  Privileges(OverlayTree tree) {
    this.tree = tree;
  }

  /**
   * Whether a change of content that the kernel does not decide about takes setuid and the like
   * away (fallocate, copy_file_range): CAP_FSETID, of which a request does not tell, is root's.
   */
  static boolean areTakenBy(RequestContext context) {
    return context.uid() != 0;
  }

  /**
   * Clears setuid, setgid (of what the group may execute) and capabilities
   * (setattr_should_drop_suidgid, cap_inode_killpriv). The caller holds the inode's monitor or the
   * exclusive lock, and has reserved room for the xattrs.
   */
  void clear(OverlayInode inode) throws FsException {
    if (inode.type == FileType.DIRECTORY) {
      return;
    }
    int permissions =
        inode.ownAttributes
            ? inode.permissions
            : tree.base.attributes(tree.inheritedSlot(inode)).permissions();
    int cleared = permissions & ~SETUID;
    if ((permissions & GROUP_EXECUTE) != 0) {
      cleared &= ~SETGID;
    }
    if (cleared != permissions) {
      tree.ownAttributes(inode);
      inode.permissions = cleared;
      tree.changed(inode);
    }
    if (tree.xattr(inode.ino, Xattrs.CAPABILITY) != null) {
      tree.ownXattrs(inode).remove(Xattrs.CAPABILITY);
      tree.changedXattrs(inode);
    }
  }
}
