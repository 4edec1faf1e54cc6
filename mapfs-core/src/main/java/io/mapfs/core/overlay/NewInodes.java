package io.mapfs.core.overlay;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.PosixAcl;
import io.mapfs.core.fs.RequestContext;

/** Makes inodes as Linux does: owner, group, permissions, inherited access lists. */
final class NewInodes {
  private static final int SETGID = 02000;

  private final OverlayTree tree;
  private final Batches batches;
  private final Quota quota;
  private final FileClock clock;

  NewInodes(OverlayTree tree, Batches batches, Quota quota, FileClock clock) {
    this.tree = tree;
    this.batches = batches;
    this.quota = quota;
    this.clock = clock;
  }

  /**
   * inode_init_owner, posix_acl_create and the umask. The inode has no name yet. The caller holds
   * the tree lock exclusively.
   *
   * @throws FsException EDQUOT too
   */
  OverlayInode make(
      RequestContext context, long directory, FileType type, int permissions, byte[] target)
      throws FsException {
    quota.requireInode();
    byte[] defaultAcl = type == FileType.SYMLINK ? null : tree.xattr(directory, PosixAcl.DEFAULT);
    int aclBytes = defaultAcl == null ? 0 : 2 * (defaultAcl.length + 300);
    batches.reserve(6, aclBytes + (target == null ? 0 : target.length), 0);
    Attributes parent = tree.attributes(directory);
    OverlayInode inode = tree.create(type, clock.now());
    inode.uid = context.uid();
    inode.gid = context.gid();
    inode.permissions = permissions;
    inode.symlinkTarget = target;
    inode.sizeBytes = target == null ? 0 : target.length;
    if ((parent.permissions() & SETGID) != 0) {
      inode.gid = parent.gid();
      if (type == FileType.DIRECTORY) {
        inode.permissions |= SETGID;
      }
    }
    PosixAcl inheritable = defaultAcl == null ? null : PosixAcl.parse(defaultAcl);
    if (inheritable != null) {
      PosixAcl.Inherited inherited = inheritable.inherit(inode.permissions);
      inode.permissions = inherited.permissions();
      if (inherited.access() != null) {
        inode.xattrs.put(PosixAcl.ACCESS, inherited.access().toBytes());
      }
      if (type == FileType.DIRECTORY) {
        inode.xattrs.put(PosixAcl.DEFAULT, defaultAcl);
      }
    } else if (type != FileType.SYMLINK) {
      inode.permissions &= ~context.umask();
    }
    if (!inode.xattrs.isEmpty()) {
      tree.changedXattrs(inode);
    }
    return inode;
  }
}
