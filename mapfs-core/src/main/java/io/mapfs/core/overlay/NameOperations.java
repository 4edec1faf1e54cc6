package io.mapfs.core.overlay;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.RecordLimits;
import io.mapfs.core.overlay.TreeNames.Child;
import io.mapfs.core.posix.OpenFlags;

/** Operations that look up, make and remove names; rename is {@link RenameOperation}. */
final class NameOperations {
  private final OverlayTree tree;
  private final Batches batches;
  private final NameRules rules;
  private final InodeUsers users;
  private final NewInodes newInodes;
  private final NameChanges changes;
  private final FileOperations files;
  private final FileClock clock;

  NameOperations(
      OverlayTree tree,
      Batches batches,
      NameRules rules,
      InodeUsers users,
      NewInodes newInodes,
      NameChanges changes,
      FileOperations files,
      FileClock clock) {
    this.tree = tree;
    this.batches = batches;
    this.rules = rules;
    this.users = users;
    this.newInodes = newInodes;
    this.changes = changes;
    this.files = files;
    this.clock = clock;
  }

  Attributes lookup(long parent, Name name) throws FsException {
    long directory = NodeId.ino(parent);
    tree.lock.readLock().lock();
    try {
      boolean isDot = NameRules.isDot(name);
      if (isDot && name.length() == 1) {
        // So the kernel finds the inode of a file handle, whatever its type.
        if (!tree.names.isThere(directory)) {
          throw new FsException(Errno.ESTALE, "no inode " + directory);
        }
        return users.looked(directory);
      }
      rules.requireDirectory(directory);
      long ino;
      if (isDot) {
        ino = tree.names.parent(directory);
      } else if (rules.isDead(directory)) {
        return null;
      } else {
        Child child = tree.names.lookup(directory, name);
        if (child == null) {
          return null;
        }
        ino = child.ino();
      }
      return users.looked(ino);
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  Attributes mknod(RequestContext context, long parent, Name name, int mode, int rdev)
      throws FsException {
    FileType type = FileType.ofMode(mode);
    if (type == FileType.DIRECTORY) {
      throw new FsException(Errno.EPERM, "mknod of a directory");
    }
    if (type == null || type == FileType.SYMLINK) {
      throw new FsException(Errno.EINVAL, "mknod of this type");
    }
    boolean device = type == FileType.CHARACTER_DEVICE || type == FileType.BLOCK_DEVICE;
    return make(context, parent, name, type, mode & 07777, device ? rdev : 0, null);
  }

  Attributes mkdir(RequestContext context, long parent, Name name, int permissions)
      throws FsException {
    return make(context, parent, name, FileType.DIRECTORY, permissions & 07777, 0, null);
  }

  Attributes symlink(RequestContext context, long parent, Name name, byte[] target)
      throws FsException {
    if (target.length == 0) {
      throw new FsException(Errno.ENOENT, "empty symlink target");
    }
    if (target.length > RecordLimits.MAX_SYMLINK_BYTES) {
      throw new FsException(Errno.ENAMETOOLONG, "symlink target");
    }
    return make(context, parent, name, FileType.SYMLINK, 0777, 0, target.clone());
  }

  private Attributes make(
      RequestContext context,
      long parent,
      Name name,
      FileType type,
      int permissions,
      int rdev,
      byte[] target)
      throws FsException {
    batches.awaitRoom(context);
    long directory = NodeId.ino(parent);
    tree.lock.writeLock().lock();
    try {
      rules.requireFree(directory, name);
      if (type == FileType.DIRECTORY) {
        rules.requireLinkable(directory);
      }
      OverlayInode inode = newInodes.make(context, directory, type, permissions, target);
      inode.rdev = rdev;
      changes.attach(directory, name, inode);
      return users.looked(inode.ino);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  Opened create(RequestContext context, long parent, Name name, int permissions, int flags)
      throws FsException {
    batches.awaitRoom(context);
    long directory = NodeId.ino(parent);
    long existing;
    tree.lock.writeLock().lock();
    try {
      rules.requireDirectory(directory);
      Child child =
          rules.isDead(directory) || NameRules.isDot(name)
              ? null
              : tree.names.lookup(directory, name);
      if (child == null || (flags & OpenFlags.O_EXCL) != 0) {
        rules.requireFree(directory, name);
        OverlayInode inode =
            newInodes.make(context, directory, FileType.REGULAR, permissions & 07777, null);
        changes.attach(directory, name, inode);
        long handle = users.opened(inode.ino, flags);
        return new Opened(users.looked(inode.ino), handle);
      }
      existing = child.ino();
    } finally {
      tree.lock.writeLock().unlock();
    }
    long handle = files.open(context, existing, flags);
    tree.lock.readLock().lock();
    try {
      return new Opened(users.looked(existing), handle);
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  Opened tmpfile(RequestContext context, long parent, int permissions, int flags)
      throws FsException {
    batches.awaitRoom(context);
    long directory = NodeId.ino(parent);
    tree.lock.writeLock().lock();
    try {
      rules.requireDirectory(directory);
      rules.requireAlive(directory);
      OverlayInode inode =
          newInodes.make(context, directory, FileType.REGULAR, permissions & 07777, null);
      inode.linkable = (flags & OpenFlags.O_EXCL) == 0;
      long handle = users.opened(inode.ino, flags);
      return new Opened(users.looked(inode.ino), handle);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  Attributes link(RequestContext context, long node, long newParent, Name newName)
      throws FsException {
    batches.awaitRoom(context);
    long ino = NodeId.ino(node);
    long directory = NodeId.ino(newParent);
    tree.lock.writeLock().lock();
    try {
      if (tree.type(ino) == FileType.DIRECTORY) {
        throw new FsException(Errno.EPERM, "link of a directory");
      }
      rules.requireFree(directory, newName);
      int nlink = tree.nlink(ino);
      OverlayInode own = tree.own(ino);
      if (nlink == 0 && (own == null || !own.linkable)) {
        throw new FsException(Errno.ENOENT, "link of a deleted file");
      }
      rules.requireLinkable(ino);
      batches.reserve(4, 0, 0);
      OverlayInode inode = tree.copyUp(ino);
      inode.linkable = false;
      changes.attach(directory, newName, inode);
      inode.ctime = clock.now();
      return users.looked(ino);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  void unlink(RequestContext context, long parent, Name name) throws FsException {
    batches.awaitRoom(context);
    long directory = NodeId.ino(parent);
    tree.lock.writeLock().lock();
    try {
      Child child = rules.requireChild(directory, name);
      if (child.type() == FileType.DIRECTORY) {
        throw new FsException(Errno.EISDIR, "unlink of a directory");
      }
      remove(directory, name, child);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  void rmdir(RequestContext context, long parent, Name name) throws FsException {
    batches.awaitRoom(context);
    long directory = NodeId.ino(parent);
    tree.lock.writeLock().lock();
    try {
      Child child = rules.requireChild(directory, name);
      if (child.type() != FileType.DIRECTORY) {
        throw new FsException(Errno.ENOTDIR, "rmdir of a file");
      }
      rules.requireEmpty(child.ino());
      remove(directory, name, child);
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  private void remove(long directory, Name name, Child child) throws FsException {
    batches.reserve(changes.changesOfRemoval(child), 0, 0);
    changes.remove(directory, name, child);
    users.dropIfUnusedLocked(child.ino());
  }
}
