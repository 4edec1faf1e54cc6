package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.overlay.TreeNames.Child;

/** rename(2) and renameat2(2). */
final class RenameOperation {
  private final OverlayTree tree;
  private final Batches batches;
  private final NameRules rules;
  private final InodeUsers users;
  private final NewInodes newInodes;
  private final NameChanges changes;

  RenameOperation(
      OverlayTree tree,
      Batches batches,
      NameRules rules,
      InodeUsers users,
      NewInodes newInodes,
      NameChanges changes) {
    this.tree = tree;
    this.batches = batches;
    this.rules = rules;
    this.users = users;
    this.newInodes = newInodes;
    this.changes = changes;
  }

  void rename(
      RequestContext context, long parent, Name name, long newParent, Name newName, int flags)
      throws FsException {
    boolean noReplace = (flags & FileSystemOperations.RENAME_NOREPLACE) != 0;
    boolean exchange = (flags & FileSystemOperations.RENAME_EXCHANGE) != 0;
    boolean whiteout = (flags & FileSystemOperations.RENAME_WHITEOUT) != 0;
    int known =
        FileSystemOperations.RENAME_NOREPLACE
            | FileSystemOperations.RENAME_EXCHANGE
            | FileSystemOperations.RENAME_WHITEOUT;
    if ((flags & ~known) != 0 || (exchange && (noReplace || whiteout))) {
      throw new FsException(Errno.EINVAL, "rename flags " + flags);
    }
    batches.awaitRoom(context);
    long from = NodeId.ino(parent);
    long to = NodeId.ino(newParent);
    tree.lock.writeLock().lock();
    try {
      rules.requireDirectory(from);
      rules.requireDirectory(to);
      Child child = rules.requireChild(from, name);
      NameRules.requireValid(newName);
      Child target = rules.isDead(to) ? null : tree.names.lookup(to, newName);
      if (noReplace && target != null) {
        throw new FsException(Errno.EEXIST, "rename target exists");
      }
      if (exchange && target == null) {
        throw new FsException(Errno.ENOENT, "nothing to exchange with");
      }
      if (child.type() == FileType.DIRECTORY && rules.isWithin(to, child.ino())) {
        throw new FsException(Errno.EINVAL, "rename into itself");
      }
      if (target != null
          && target.type() == FileType.DIRECTORY
          && rules.isWithin(from, target.ino())) {
        throw new FsException(exchange ? Errno.EINVAL : Errno.ENOTEMPTY, "rename onto an ancestor");
      }
      if (target != null && target.ino() == child.ino()) {
        return;
      }
      rules.requireAlive(to);
      if (exchange) {
        exchange(from, name, child, to, newName, target);
      } else {
        move(context, from, name, child, to, newName, target, whiteout);
      }
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  private void exchange(long from, Name name, Child child, long to, Name newName, Child target)
      throws FsException {
    if (from != to && child.type() != target.type()) {
      // The directory that gains a subdirectory, if one of the two is any.
      if (child.type() == FileType.DIRECTORY) {
        rules.requireLinkable(to);
      } else if (target.type() == FileType.DIRECTORY) {
        rules.requireLinkable(from);
      }
    }
    batches.reserve(12, 0, 0);
    OverlayInode one = tree.copyUp(child.ino());
    OverlayInode other = tree.copyUp(target.ino());
    changes.point(to, newName, one);
    changes.point(from, name, other);
    changes.moveParent(one, from, to);
    changes.moveParent(other, to, from);
  }

  private void move(
      RequestContext context,
      long from,
      Name name,
      Child child,
      long to,
      Name newName,
      Child target,
      boolean whiteout)
      throws FsException {
    if (target != null) {
      boolean isDirectory = child.type() == FileType.DIRECTORY;
      boolean targetIsDirectory = target.type() == FileType.DIRECTORY;
      if (isDirectory && !targetIsDirectory) {
        throw new FsException(Errno.ENOTDIR, "rename of a directory onto a file");
      }
      if (!isDirectory && targetIsDirectory) {
        throw new FsException(Errno.EISDIR, "rename of a file onto a directory");
      }
      if (targetIsDirectory) {
        rules.requireEmpty(target.ino());
      }
    } else if (child.type() == FileType.DIRECTORY && from != to) {
      rules.requireLinkable(to);
    }
    // Both may cut the batch: before anything is changed, so that the rename is in one record.
    OverlayInode device =
        whiteout ? newInodes.make(context, from, FileType.CHARACTER_DEVICE, 0, null) : null;
    batches.reserve(18 + (target == null ? 0 : changes.changesOfRemoval(target)), 0, 0);
    if (target != null) {
      changes.remove(to, newName, target);
    }
    OverlayInode inode = tree.copyUp(child.ino());
    tree.names.setName(from, name, null);
    changes.touch(from);
    changes.point(to, newName, inode);
    changes.moveParent(inode, from, to);
    if (device != null) {
      changes.attach(from, name, device);
    }
    if (target != null) {
      users.dropIfUnusedLocked(target.ino());
    }
  }
}
