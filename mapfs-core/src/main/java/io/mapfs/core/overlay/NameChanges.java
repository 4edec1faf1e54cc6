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
  private final Batches batches;
  private final InodeUsers users;
  private final FileClock clock;

  NameChanges(OverlayTree tree, Batches batches, InodeUsers users, FileClock clock) {
    this.tree = tree;
    this.batches = batches;
    this.users = users;
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

  void detach(long directory, Name name, Child child) throws FsException {
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

  void removeDirectory(long directory, Name name, Child child) throws FsException {
    OverlayDirectory rows = tree.names.rows(child.ino());
    int whiteouts = rows == null ? 0 : rows.rows().size();
    // Rows of a removed directory are of no use; more than a record holds stay, and do no harm.
    boolean clears = whiteouts <= RecordLimits.MAX_CHANGES / 4;
    batches.reserve(4 + (clears ? whiteouts : 0), 0, 0);
    detach(directory, name, child);
    if (clears) {
      tree.names.clearRows(child.ino());
    }
    users.dropIfUnusedLocked(child.ino());
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
