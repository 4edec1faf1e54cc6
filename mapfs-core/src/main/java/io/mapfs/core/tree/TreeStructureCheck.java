package io.mapfs.core.tree;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;

/**
 * Whether a tree file whose pages have their hashes is a tree at all: one that a faulty writer made
 * is refused before it becomes a version.
 */
final class TreeStructureCheck {
  private final TreeIndex tree;

  TreeStructureCheck(TreeIndex tree) {
    this.tree = tree;
  }

  void run() {
    long previousIno = 0;
    long nextDentry = 0;
    long contentBytes = 0;
    for (int slot = 0; slot < tree.inodeCount(); slot++) {
      int record = slot * TreeFormat.INODE_BYTES;
      long ino = tree.ino(slot);
      require(ino > previousIno && ino < NodeId.FIRST_OVERLAY_INO, record, "inode numbers");
      previousIno = ino;
      FileType type = tree.type(slot);
      require(type != null, record, "type of inode " + ino);
      long first = tree.inodes().getInt(record + TreeFormat.INODE_CONTENT);
      long count = tree.inodes().getInt(record + TreeFormat.INODE_CONTENT_COUNT);
      long size = tree.inodes().getLong(record + TreeFormat.INODE_SIZE);
      require(first >= 0 && count >= 0 && size >= 0, record, "content of inode " + ino);
      switch (type) {
        case DIRECTORY -> {
          require(
              first == nextDentry && first + count <= tree.entryCount(),
              record,
              "children of inode " + ino);
          nextDentry += count;
          checkChildren(slot, record, (int) count);
        }
        case REGULAR -> {
          long blocks = TreeWriter.blockCountOf(size);
          require(
              count * TreeFormat.SPACE_BYTES <= blocks * BlockId.BLOCK_BYTES
                  && (first + blocks) * BlockId.BYTES <= tree.blocks().length(),
              record,
              "blocks of inode " + ino);
          contentBytes += size;
        }
        case SYMLINK ->
            require(
                count == size && first + count <= tree.targets().length(),
                record,
                "link target of inode " + ino);
        default -> {}
      }
      checkName(slot, record, ino);
      checkXattrs(slot, record, ino);
    }
    require(tree.ino(0) == NodeId.ROOT && tree.type(0) == FileType.DIRECTORY, 0, "root");
    require(nextDentry == tree.entryCount(), 0, "number of names");
    require(contentBytes == tree.contentBytes(), 0, "sum of sizes");
    require(previousIno < tree.nextIno(), 0, "next inode number");
  }

  private void checkChildren(int slot, int record, int count) {
    Name previous = null;
    for (int i = 0; i < count; i++) {
      int dentry =
          (tree.inodes().getInt(record + TreeFormat.INODE_CONTENT) + i) * TreeFormat.DENTRY_BYTES;
      int nameAt = tree.dentries().getInt(dentry + TreeFormat.DENTRY_NAME);
      boolean inside =
          nameAt >= 0
              && nameAt < tree.names().length()
              && nameAt + 1L + (tree.names().getByte(nameAt) & 0xff) <= tree.names().length()
              && tree.names().getByte(nameAt) != 0;
      require(inside, record, "a name in inode " + tree.ino(slot));
      Name name = tree.childName(slot, i);
      require(
          name.isValidEntry() && (previous == null || previous.compareTo(name) < 0),
          record,
          "order of names in inode " + tree.ino(slot));
      previous = name;
      int child = tree.childSlot(slot, i);
      require(child > 0 && child < tree.inodeCount(), record, "a child of inode " + tree.ino(slot));
      if (tree.type(child) == FileType.DIRECTORY) {
        require(tree.parentSlot(child) == slot, record, "parent of inode " + tree.ino(child));
      }
    }
  }

  private void checkName(int slot, int record, long ino) {
    int dentry = tree.inodes().getInt(record + TreeFormat.INODE_DENTRY);
    int parent = tree.parentSlot(slot);
    boolean right;
    if (slot == 0) {
      right = dentry == TreeFormat.NONE && parent == 0;
    } else {
      right =
          dentry >= 0 && dentry < tree.entryCount() && parent >= 0 && parent < tree.inodeCount();
      if (right) {
        int at = parent * TreeFormat.INODE_BYTES;
        long first = tree.inodes().getInt(at + TreeFormat.INODE_CONTENT);
        right =
            tree.type(parent) == FileType.DIRECTORY
                && dentry >= first
                && dentry < first + tree.childCount(parent)
                && tree.childSlot(parent, (int) (dentry - first)) == slot;
      }
    }
    require(right, record, "name of inode " + ino);
  }

  private void checkXattrs(int slot, int record, long ino) {
    int offset = tree.inodes().getInt(record + TreeFormat.INODE_XATTRS);
    if (offset == TreeFormat.NONE) {
      return;
    }
    TreeSection section = tree.xattrSection();
    boolean right =
        offset >= 0
            && offset % TreeFormat.XATTR_SET_ALIGNMENT == 0
            && offset + 6L <= section.length();
    if (right) {
      int bytes = section.getInt(offset);
      right = bytes >= 2 && offset + 4L + bytes <= section.length();
    }
    require(right, record, "xattrs of inode " + ino);
    try {
      tree.xattrs(slot);
    } catch (IllegalArgumentException | java.nio.BufferUnderflowException e) {
      require(false, record, "xattrs of inode " + ino);
    }
  }

  private void require(boolean condition, int record, String what) {
    if (!condition) {
      throw new CorruptTreeException(
          tree.file(), tree.inodes().fileOffset(record), "impossible " + what);
    }
  }
}
