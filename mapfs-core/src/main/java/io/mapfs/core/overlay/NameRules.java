package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.overlay.TreeNames.Child;

/** What Linux refuses about names, before anything is changed. Callers hold the tree lock. */
final class NameRules {
  private final OverlayTree tree;
  private final int linksMax;

  NameRules(OverlayTree tree, int linksMax) {
    this.tree = tree;
    this.linksMax = linksMax;
  }

  static boolean isDot(Name name) {
    return name.byteAt(0) == '.'
        && (name.length() == 1 || (name.length() == 2 && name.byteAt(1) == '.'));
  }

  void requireDirectory(long ino) throws FsException {
    if (tree.type(ino) != FileType.DIRECTORY) {
      throw new FsException(Errno.ENOTDIR, "not a directory");
    }
  }

  boolean isDead(long directory) {
    return tree.isOrphan(directory);
  }

  void requireAlive(long directory) throws FsException {
    if (isDead(directory)) {
      throw new FsException(Errno.ENOENT, "the directory was removed");
    }
  }

  static void requireValid(Name name) throws FsException {
    if (!name.isValidEntry()) {
      throw new FsException(Errno.EINVAL, "not an entry's name");
    }
  }

  void requireFree(long directory, Name name) throws FsException {
    requireDirectory(directory);
    requireValid(name);
    requireAlive(directory);
    if (tree.names.lookup(directory, name) != null) {
      throw new FsException(Errno.EEXIST, "name exists");
    }
  }

  Child requireChild(long directory, Name name) throws FsException {
    requireDirectory(directory);
    requireValid(name);
    Child child = isDead(directory) ? null : tree.names.lookup(directory, name);
    if (child == null) {
      throw new FsException(Errno.ENOENT, "no such name");
    }
    return child;
  }

  void requireEmpty(long directory) throws FsException {
    if (!tree.names.isEmpty(directory)) {
      throw new FsException(Errno.ENOTEMPTY, "directory not empty");
    }
  }

  /** Refuses an inode that cannot have one more link; of a directory: one more subdirectory. */
  void requireLinkable(long ino) throws FsException {
    if (tree.nlink(ino) >= linksMax) {
      throw new FsException(Errno.EMLINK, "an inode has at most " + linksMax + " links");
    }
  }

  /** Whether a directory is another one or lies below it. */
  boolean isWithin(long directory, long ancestor) throws FsException {
    for (long at = directory; ; at = tree.names.parent(at)) {
      if (at == ancestor) {
        return true;
      }
      if (at == NodeId.ROOT) {
        return false;
      }
    }
  }
}
