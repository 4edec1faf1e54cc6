package io.mapfs.core.overlay;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.DirectorySink;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.tree.RepositoryTree;
import java.util.Map;

/**
 * Listings. Cookies: 1 and 2 for the dots, then base entries by index, then own names by their
 * cookie.
 */
final class DirectoryOperations {
  private static final long BASE_COOKIE = 3;
  private static final long OWN_COOKIE = 1L << 40;

  private final OverlayTree tree;
  private final NameRules rules;
  private final InodeUsers users;

  DirectoryOperations(OverlayTree tree, NameRules rules, InodeUsers users) {
    this.tree = tree;
    this.rules = rules;
    this.users = users;
  }

  long opendir(long node) throws FsException {
    long ino = NodeId.ino(node);
    tree.lock.readLock().lock();
    try {
      rules.requireDirectory(ino);
      return users.opened(ino, OpenFlags.O_RDONLY);
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  void readdir(long node, long cookie, boolean withAttributes, DirectorySink sink)
      throws FsException {
    long directory = NodeId.ino(node);
    tree.lock.readLock().lock();
    try {
      rules.requireDirectory(directory);
      if (cookie < 1 && !sink.accept(new byte[] {'.'}, directory, FileType.DIRECTORY, 1, null)) {
        return;
      }
      if (cookie < 2) {
        long parent = tree.names.parent(directory);
        if (!sink.accept(new byte[] {'.', '.'}, parent, FileType.DIRECTORY, 2, null)) {
          return;
        }
      }
      if (!rules.isDead(directory)) {
        list(directory, cookie, withAttributes, sink);
      }
    } finally {
      tree.lock.readLock().unlock();
    }
  }

  private void list(long directory, long cookie, boolean withAttributes, DirectorySink sink)
      throws FsException {
    OverlayDirectory rows = tree.names.rows(directory);
    int slot = tree.names.baseDirectory(directory);
    int children = slot == RepositoryTree.NONE ? 0 : tree.base.childCount(slot);
    for (long i = Math.max(0, cookie - BASE_COOKIE + 1); i < children; i++) {
      Name name = tree.base.childName(slot, (int) i);
      DentryRow row = rows == null ? null : rows.row(name);
      if (row != null && row.isWhiteout()) {
        continue;
      }
      int childSlot = row != null ? RepositoryTree.NONE : tree.base.childSlot(slot, (int) i);
      long ino = row != null ? row.ino() : tree.base.ino(childSlot);
      FileType type = row != null ? row.type() : tree.base.type(childSlot);
      if (!offer(sink, name, ino, type, BASE_COOKIE + i, withAttributes)) {
        return;
      }
    }
    if (rows == null) {
      return;
    }
    for (Map.Entry<Long, Name> own : rows.ownNamesAfter(cookie - OWN_COOKIE).entrySet()) {
      DentryRow row = rows.row(own.getValue());
      long next = OWN_COOKIE + own.getKey();
      if (!offer(sink, own.getValue(), row.ino(), row.type(), next, withAttributes)) {
        return;
      }
    }
  }

  private boolean offer(
      DirectorySink sink, Name name, long ino, FileType type, long cookie, boolean withAttributes)
      throws FsException {
    Attributes attributes = withAttributes ? tree.attributes(ino) : null;
    if (!sink.accept(name.toBytes(), ino, type, cookie, attributes)) {
      return false;
    }
    if (withAttributes) {
      tree.lookups.add(ino, 1);
    }
    return true;
  }
}
