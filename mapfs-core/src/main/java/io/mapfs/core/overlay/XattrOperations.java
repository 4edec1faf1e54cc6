package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.PosixAcl;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.journal.RecordLimits;
import java.io.ByteArrayOutputStream;
import java.util.SortedMap;
import java.util.TreeMap;

/** Extended attributes and access lists. */
final class XattrOperations {
  private static final int SETGID = 02000;

  private final OverlayTree tree;
  private final Batches batches;
  private final FileClock clock;

  XattrOperations(OverlayTree tree, Batches batches, FileClock clock) {
    this.tree = tree;
    this.batches = batches;
    this.clock = clock;
  }

  byte[] getxattr(long node, Name name) throws FsException {
    long ino = NodeId.ino(node);
    tree.lock.readLock().lock();
    try {
      tree.type(ino);
      Xattrs.requireNamespace(name);
      byte[] value = tree.xattr(ino, name);
      return value == null ? null : value.clone();
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  byte[] listxattr(long node) throws FsException {
    SortedMap<Name, byte[]> xattrs;
    tree.lock.readLock().lock();
    try {
      xattrs = tree.xattrs(NodeId.ino(node));
    } finally {
      tree.lock.readLock().unlock();
    }
    ByteArrayOutputStream names = new ByteArrayOutputStream();
    for (Name name : xattrs.keySet()) {
      names.writeBytes(name.toBytes());
      names.write(0);
    }
    return names.toByteArray();
  }

  void setxattr(
      RequestContext context, long node, Name name, byte[] value, int flags, boolean clearSetgid)
      throws FsException {
    batches.awaitRoom(context);
    long ino = NodeId.ino(node);
    tree.lock.writeLock().lock();
    try {
      FileType type = tree.type(ino);
      Xattrs.requireNamespace(name);
      if ((flags & ~(FileSystemOperations.XATTR_CREATE | FileSystemOperations.XATTR_REPLACE))
          != 0) {
        throw new FsException(Errno.EINVAL, "setxattr flags " + flags);
      }
      if (value.length > RecordLimits.MAX_XATTR_VALUE_BYTES) {
        throw new FsException(Errno.E2BIG, "xattr value");
      }
      if (Xattrs.isAcl(name)) {
        setAcl(ino, type, name, value, clearSetgid);
        return;
      }
      Xattrs.requireChangeable(name, type);
      TreeMap<Name, byte[]> changed = new TreeMap<>(tree.xattrs(ino));
      byte[] old = changed.put(name, value.clone());
      if (old != null && (flags & FileSystemOperations.XATTR_CREATE) != 0) {
        throw new FsException(Errno.EEXIST, "xattr exists");
      }
      if (old == null && (flags & FileSystemOperations.XATTR_REPLACE) != 0) {
        throw new FsException(Errno.ENODATA, "no such xattr");
      }
      putXattrs(ino, changed);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  private void putXattrs(long ino, SortedMap<Name, byte[]> xattrs) throws FsException {
    int bytes = RecordCodec.encodedBytes(xattrs);
    if (bytes > RecordLimits.MAX_XATTRS_BYTES) {
      throw new FsException(Errno.ENOSPC, "xattrs of one inode");
    }
    batches.reserve(2, bytes, 0);
    OverlayInode inode = tree.copyUp(ino);
    inode.ownXattrs = true;
    inode.xattrs = xattrs;
    inode.ctime = clock.now();
    tree.changedXattrs(inode);
  }

  /**
   * posix_acl_update_mode: an access list sets the permission bits, and goes if they say it all.
   */
  private void setAcl(long ino, FileType type, Name name, byte[] value, boolean clearSetgid)
      throws FsException {
    if (type == FileType.SYMLINK) {
      throw new FsException(Errno.EOPNOTSUPP, "ACL of a symlink");
    }
    PosixAcl acl = PosixAcl.parse(value);
    boolean isAccess = name.equals(PosixAcl.ACCESS);
    if (!isAccess && type != FileType.DIRECTORY && acl != null) {
      throw new FsException(Errno.EACCES, "default ACL of a file");
    }
    boolean stays = acl != null && !(isAccess && acl.isEquivalentToMode());
    TreeMap<Name, byte[]> changed = new TreeMap<>(tree.xattrs(ino));
    if (stays) {
      changed.put(name, acl.toBytes());
    } else {
      changed.remove(name);
    }
    putXattrs(ino, changed);
    if (isAccess && acl != null) {
      OverlayInode inode = tree.copyUp(ino);
      tree.ownAttributes(inode);
      inode.permissions = (inode.permissions & ~0777) | acl.permissionBits();
      if (clearSetgid) {
        inode.permissions &= ~SETGID;
      }
      tree.changed(inode);
    }
  }

  void removexattr(RequestContext context, long node, Name name) throws FsException {
    batches.awaitRoom(context);
    long ino = NodeId.ino(node);
    tree.lock.writeLock().lock();
    try {
      FileType type = tree.type(ino);
      Xattrs.requireNamespace(name);
      if (!Xattrs.isAcl(name)) {
        Xattrs.requireChangeable(name, type);
      }
      TreeMap<Name, byte[]> changed = new TreeMap<>(tree.xattrs(ino));
      if (changed.remove(name) == null && !Xattrs.isAcl(name)) {
        throw new FsException(Errno.ENODATA, "no such xattr");
      }
      putXattrs(ino, changed);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }
}
