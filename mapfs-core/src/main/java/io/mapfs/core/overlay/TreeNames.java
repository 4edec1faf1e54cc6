package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.tree.RepositoryTree;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.concurrent.ConcurrentHashMap;
import org.agrona.collections.LongHashSet;

/**
 * The names of the merged tree: the version's directories with the overlay's rows on top. Part of
 * {@link OverlayTree}, under its lock.
 */
final class TreeNames {
  /** Directories whose rows are kept though no one changes them. */
  private static final int CACHED_DIRECTORIES_MAX = 4_096;

  /** What a name points at. */
  record Child(long ino, FileType type) {}

  private final OverlayTree tree;
  private final RepositoryTree base;
  private final OverlayIndex index;
  private final NumberRanges numbers;
  private final ConcurrentHashMap<Long, OverlayDirectory> directories = new ConcurrentHashMap<>();

  /** Directories that have own rows. Changed under the exclusive lock. */
  private final LongHashSet touchedDirectories = new LongHashSet();

  TreeNames(OverlayTree tree, OverlayIndex index, NumberRanges numbers) {
    this.tree = tree;
    this.base = tree.base;
    this.index = index;
    this.numbers = numbers;
  }

  /** Learns from the index which directories have rows; before any operation. */
  void scan() throws IOException {
    index.forEachDirectory(touchedDirectories::add);
  }

  /** The version's directory of this inode number, or NONE. */
  int baseDirectory(long ino) {
    int slot = tree.baseSlot(ino);
    return slot != RepositoryTree.NONE && base.type(slot) == FileType.DIRECTORY
        ? slot
        : RepositoryTree.NONE;
  }

  /** The directory's own rows, or {@code null} where it has none. */
  OverlayDirectory rows(long ino) throws FsException {
    if (!touchedDirectories.contains(ino)) {
      return null;
    }
    OverlayDirectory directory = directories.get(ino);
    if (directory == null) {
      OverlayDirectory loaded = new OverlayDirectory(ino);
      int slot = baseDirectory(ino);
      try {
        index.forEachDentry(ino, (name, row) -> loaded.load(name, row, inBase(slot, name)));
      } catch (IOException e) {
        throw OverlayTree.unreadable("directory " + ino, e);
      }
      OverlayDirectory other = directories.putIfAbsent(ino, loaded);
      directory = other == null ? loaded : other;
    }
    directory.referenced = true;
    return directory;
  }

  private boolean inBase(int directorySlot, Name name) {
    return directorySlot != RepositoryTree.NONE
        && base.lookup(directorySlot, name) != RepositoryTree.NONE;
  }

  /** What the name points at, or {@code null}. The caller knows that it is a living directory. */
  Child lookup(long directoryIno, Name name) throws FsException {
    OverlayDirectory rows = rows(directoryIno);
    DentryRow row = rows == null ? null : rows.row(name);
    if (row != null) {
      return row.isWhiteout() ? null : new Child(row.ino(), row.type());
    }
    int slot = baseDirectory(directoryIno);
    int child = slot == RepositoryTree.NONE ? RepositoryTree.NONE : base.lookup(slot, name);
    return child == RepositoryTree.NONE ? null : new Child(base.ino(child), base.type(child));
  }

  /**
   * Whether an inode that somebody may have kept the number of is still in the tree: one of which
   * the overlay has a record is; of the version's others, the first name tells.
   */
  boolean isThere(long ino) throws FsException {
    long at = ino;
    while (at != NodeId.ROOT && tree.own(at) == null) {
      int slot = tree.baseSlot(at);
      if (slot == RepositoryTree.NONE) {
        return false;
      }
      long parent = base.parentIno(slot);
      Child child = lookup(parent, base.name(slot));
      if (child == null || child.ino() != at) {
        return false;
      }
      at = parent;
    }
    return true;
  }

  /**
   * Points a name at an inode ({@code null}: at nothing) and says as little of it as possible: no
   * row where the version has the same already. Exclusive.
   */
  void setName(long directoryIno, Name name, OverlayInode inode) throws FsException {
    int slot = baseDirectory(directoryIno);
    int baseChild = slot == RepositoryTree.NONE ? RepositoryTree.NONE : base.lookup(slot, name);
    boolean inBase = baseChild != RepositoryTree.NONE;
    DentryRow row;
    if (inode == null) {
      row = inBase ? DentryRow.WHITEOUT : null;
    } else if (inBase && base.ino(baseChild) == inode.ino) {
      row = null;
    } else {
      row = new DentryRow(inode.ino, inode.type, numbers.takeCookie());
    }
    if (!touchedDirectories.contains(directoryIno)) {
      directories.put(directoryIno, new OverlayDirectory(directoryIno));
      touchedDirectories.add(directoryIno);
    }
    OverlayDirectory rows = rows(directoryIno);
    rows.set(name, row, inBase);
    tree.batch().add(rows);
  }

  /** Forgets all rows of a directory that is removed for ever. Exclusive. */
  void clearRows(long directoryIno) throws FsException {
    OverlayDirectory rows = rows(directoryIno);
    if (rows != null) {
      int slot = baseDirectory(directoryIno);
      for (Name name : new ArrayList<>(rows.rows().keySet())) {
        rows.set(name, null, inBase(slot, name));
      }
      tree.batch().add(rows);
    }
  }

  /** Whether a living directory shows no name. */
  boolean isEmpty(long directoryIno) throws FsException {
    OverlayDirectory rows = rows(directoryIno);
    int slot = baseDirectory(directoryIno);
    if (rows == null) {
      return slot == RepositoryTree.NONE || base.childCount(slot) == 0;
    }
    if (rows.ownCount() > 0) {
      return false;
    }
    int children = slot == RepositoryTree.NONE ? 0 : base.childCount(slot);
    if (children > rows.whiteoutCount()) {
      return false;
    }
    for (int i = 0; i < children; i++) {
      if (rows.row(base.childName(slot, i)) == null) {
        return false;
      }
    }
    return true;
  }

  /** The parent of a directory; the root's is itself. */
  long parent(long directoryIno) throws FsException {
    if (directoryIno == NodeId.ROOT) {
      return NodeId.ROOT;
    }
    OverlayInode inode = tree.own(directoryIno);
    if (inode != null && inode.parentIno != 0) {
      return inode.parentIno;
    }
    int slot = baseDirectory(directoryIno);
    if (slot == RepositoryTree.NONE) {
      throw new FsException(Errno.EIO, "directory " + directoryIno + " has lost its parent");
    }
    return base.parentIno(slot);
  }

  /** Notes a directory's parent; nothing where it is the version's. Exclusive. */
  void setParent(OverlayInode directory, long parentIno) {
    int slot = baseDirectory(directory.ino);
    boolean same = slot != RepositoryTree.NONE && base.parentIno(slot) == parentIno;
    directory.parentIno = same ? 0 : parentIno;
    tree.changed(directory);
  }

  /** Evicts rows that were not used lately, if there are too many. Exclusive. */
  void evict(long appliedBatch) {
    if (directories.size() > CACHED_DIRECTORIES_MAX) {
      for (Iterator<OverlayDirectory> it = directories.values().iterator(); it.hasNext(); ) {
        OverlayDirectory directory = it.next();
        boolean clean = !directory.isDirty() && directory.lastCut <= appliedBatch;
        if (clean && !directory.referenced) {
          if (directory.isEmpty()) {
            touchedDirectories.remove(directory.ino);
          }
          it.remove();
        }
        directory.referenced = false;
      }
    }
  }
}
