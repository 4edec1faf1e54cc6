package io.mapfs.core.overlay;

import io.mapfs.core.fs.AttributeChange;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.PosixAcl;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.journal.RecordLimits;

/** Attributes: getattr, setattr, readlink. */
final class AttributeOperations {
  private final OverlayTree tree;
  private final Batches batches;
  private final ContentResizer resizer;
  private final Privileges privileges;
  private final FileClock clock;

  AttributeOperations(
      OverlayTree tree,
      Batches batches,
      ContentResizer resizer,
      Privileges privileges,
      FileClock clock) {
    this.tree = tree;
    this.batches = batches;
    this.resizer = resizer;
    this.privileges = privileges;
    this.clock = clock;
  }

  Attributes getattr(long node) throws FsException {
    tree.lock.readLock().lock();
    try {
      return tree.attributes(NodeId.ino(node));
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  Attributes setattr(RequestContext context, long node, AttributeChange change) throws FsException {
    batches.awaitRoom(context);
    long ino = NodeId.ino(node);
    FileType type;
    tree.lock.readLock().lock();
    try {
      type = tree.type(ino);
    } finally {
      tree.lock.readLock().unlock();
    }
    if (change.permissions() != null && type == FileType.SYMLINK) {
      throw new FsException(Errno.EOPNOTSUPP, "chmod of a symlink");
    }
    if (change.sizeBytes() != null) {
      requireResizable(type, change.sizeBytes());
      resizer.resize(context, ino, change.sizeBytes(), inode -> apply(context, inode, change));
      return getattr(node);
    }
    tree.lock.writeLock().lock();
    try {
      batches.reserve(3, RecordCodec.encodedBytes(tree.xattrs(ino)), 0);
      OverlayInode inode = tree.copyUp(ino);
      apply(context, inode, change);
      tree.changed(inode);
      return tree.attributes(ino);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  private static void requireResizable(FileType type, long sizeBytes) throws FsException {
    if (type == FileType.DIRECTORY) {
      throw new FsException(Errno.EISDIR, "truncate of a directory");
    }
    if (type != FileType.REGULAR || sizeBytes < 0) {
      throw new FsException(Errno.EINVAL, "truncate");
    }
    if (sizeBytes > RecordLimits.MAX_FILE_BYTES) {
      throw new FsException(Errno.EFBIG, "truncate");
    }
  }

  private void apply(RequestContext context, OverlayInode inode, AttributeChange change)
      throws FsException {
    boolean chown = change.uid() != null || change.gid() != null;
    if (change.clearSetid() || (chown && inode.type != FileType.DIRECTORY)) {
      privileges.clear(inode);
    }
    if (chown || change.permissions() != null) {
      tree.ownAttributes(inode);
    }
    if (change.uid() != null) {
      inode.uid = change.uid();
    }
    if (change.gid() != null) {
      inode.gid = change.gid();
    }
    if (change.permissions() != null) {
      inode.permissions = change.permissions() & 07777;
      byte[] acl = tree.xattr(inode.ino, PosixAcl.ACCESS);
      if (acl != null) {
        PosixAcl changed = PosixAcl.parse(acl).withPermissionBits(inode.permissions);
        tree.ownXattrs(inode).put(PosixAcl.ACCESS, changed.toBytes());
        tree.changedXattrs(inode);
      }
    }
    if (change.atime() != null) {
      inode.atime = change.atime();
    }
    if (change.mtime() != null) {
      tree.ownData(inode);
      inode.mtime = change.mtime();
    }
    if (change.ctime() != null) {
      inode.ctime = change.ctime();
    } else if (inode.type != FileType.REGULAR || !context.keepsTimes()) {
      inode.ctime = clock.now();
    }
  }

  byte[] readlink(long node) throws FsException {
    long ino = NodeId.ino(node);
    tree.lock.readLock().lock();
    try {
      if (tree.type(ino) != FileType.SYMLINK) {
        throw new FsException(Errno.EINVAL, "readlink of another type");
      }
      return tree.symlinkTarget(ino).clone();
    } finally {
      tree.lock.readLock().unlock();
    }
  }
}
