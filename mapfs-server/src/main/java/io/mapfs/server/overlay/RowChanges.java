package io.mapfs.server.overlay;

import io.mapfs.core.journal.Change;

/** Rows as changes: what a head is told to nodes and in manifests by. */
final class RowChanges {
  private RowChanges() {}

  /** The change that states a row. */
  static Change change(RowKey key, Row row) {
    if (row instanceof Row.Inode inode) {
      return new Change.PutInode(key.ino(), inode.state());
    } else if (row instanceof Row.Xattrs set) {
      return new Change.PutXattrs(key.ino(), set.xattrs());
    } else if (row instanceof Row.Block block) {
      return new Change.PutBlock(key.ino(), key.blockIndex(), block.id(), block.pages());
    } else if (row instanceof Row.Zeros) {
      return new Change.PutBlock(key.ino(), key.blockIndex(), null);
    } else if (row instanceof Row.Dentry name) {
      return new Change.PutDentry(key.ino(), key.name(), name.ino(), name.type(), name.cookie());
    }
    return new Change.PutWhiteout(key.ino(), key.name());
  }
}
