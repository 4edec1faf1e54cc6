package io.mapfs.core.overlay;

import io.mapfs.core.fs.FileClock;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.RecordLimits;
import io.mapfs.core.overlay.TreeNames.Child;

/**
 * A change of one name with all that hangs on it: link counts, parents, times. Callers hold the
 * tree lock exclusively and have reserved room.
 */
final class NameChanges {
  private final OverlayTree tree;
  private final FileClock clock;

  NameChanges(OverlayTree tree, FileClock clock) {
    this.tree = tree;
    this.clock = clock;
  }

  void attach(long directory, Name name, OverlayInode inode) throws FsException {
    tree.names.setName(directory, name, inode);
    if (inode.type == FileType.DIRECTORY) {
      tree.addLinks(inode, 2);
      tree.names.setParent(inode, directory);
      tree.addLinks(tree.copyUp(directory), 1);
    } else {
      tree.addLinks(inode, 1);
    }
    touch(directory);
  }

  private void detach(long directory, Name name, Child child) throws FsException {
    tree.names.setName(directory, name, null);
    OverlayInode inode = tree.copyUp(child.ino());
    if (inode.type == FileType.DIRECTORY) {
      tree.addLinks(inode, -tree.nlink(inode));
      tree.names.setParent(inode, directory);
      tree.addLinks(tree.copyUp(directory), -1);
    } else {
      tree.addLinks(inode, -1);
    }
    inode.ctime = clock.now();
    touch(directory);
  }

  /** Points a name at an inode whose links are counted already. */
  void point(long directory, Name name, OverlayInode inode) throws FsException {
    tree.names.setName(directory, name, inode);
    touch(directory);
    inode.ctime = clock.now();
    tree.changed(inode);
  }

  void moveParent(OverlayInode inode, long from, long to) throws FsException {
    if (inode.type == FileType.DIRECTORY && from != to) {
      tree.names.setParent(inode, to);
      tree.addLinks(tree.copyUp(from), -1);
      tree.addLinks(tree.copyUp(to), 1);
    }
  }

  /** Most changes that {@link #remove} of a child makes; what it is to be reserved before. */
  int changesOfRemoval(Child child) throws FsException {
    return 4 + (clearsRows(child) ? tree.names.rows(child.ino()).rows().size() : 0);
  }

  /**
   * Removes a name, and of a directory its rows; an inode without a name is the caller's to drop.
   */
  void remove(long directory, Name name, Child child) throws FsException {
    boolean clears = clearsRows(child);
    detach(directory, name, child);
    if (clears) {
      tree.names.clearRows(child.ino());
    }
  }

  /** Rows of a removed directory are of no use; more than a record holds stay, and do no harm. */
  private boolean clearsRows(Child child) throws FsException {
    OverlayDirectory rows =
        child.type() == FileType.DIRECTORY ? tree.names.rows(child.ino()) : null;
    return rows != null && rows.rows().size() <= RecordLimits.MAX_CHANGES / 4;
  }

  /** A change of names is a change of the directory's data. */
  void touch(long directory) throws FsException {
    OverlayInode inode = tree.copyUp(directory);
    tree.ownData(inode);
    inode.mtime = clock.now();
    inode.ctime = inode.mtime;
    tree.changed(inode);
  }
}
