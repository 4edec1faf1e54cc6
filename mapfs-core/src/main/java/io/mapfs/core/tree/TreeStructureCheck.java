package io.mapfs.core.tree;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import java.nio.BufferUnderflowException;
import java.util.BitSet;

/**
 * Whether a tree file whose pages have their hashes is a tree at all: one that a faulty or hostile
 * writer made is refused before it becomes a version. After it nothing in the file can lead a
 * reader out of bounds or in a circle.
 */
final class TreeStructureCheck {
  private static final int NANOS_MAX = 999_999_999;

  private final TreeIndex tree;

  /** By slot: how many dentries mean it. */
  private final int[] names;

  /** By slot: how many of a directory's children are directories. */
  private final int[] subdirectories;

  TreeStructureCheck(TreeIndex tree) {
    this.tree = tree;
    this.names = new int[tree.inodeCount()];
    this.subdirectories = new int[tree.inodeCount()];
  }

  /** Ranges first, then what is reached through them. */
  void run() {
    checkInodes();
    for (int slot = 0; slot < tree.inodeCount(); slot++) {
      if (tree.type(slot) == FileType.DIRECTORY) {
        checkChildren(slot);
      }
    }
    for (int slot = 0; slot < tree.inodeCount(); slot++) {
      checkNames(slot);
    }
    checkReached();
  }

  private void checkInodes() {
    long previousIno = 0;
    long nextDentry = 0;
    long contentBytes = 0;
    for (int slot = 0; slot < tree.inodeCount(); slot++) {
      long ino = tree.ino(slot);
      require(ino > previousIno && ino < NodeId.FIRST_OVERLAY_INO, slot, "inode number");
      previousIno = ino;
      FileType type = tree.type(slot);
      require(type != null, slot, "type");
      long first = field(slot, TreeFormat.INODE_CONTENT);
      long count = field(slot, TreeFormat.INODE_CONTENT_COUNT);
      long size = tree.inodes().getLong(slot * TreeFormat.INODE_BYTES + TreeFormat.INODE_SIZE);
      require(first >= 0 && count >= 0 && size >= 0, slot, "content");
      switch (type) {
        case DIRECTORY -> {
          require(first == nextDentry && first + count <= tree.entryCount(), slot, "children");
          nextDentry += count;
        }
        case REGULAR -> {
          checkBlocks(slot, first, count, size);
          contentBytes += size;
        }
        case SYMLINK ->
            require(count == size && first + count <= tree.targets().length(), slot, "link target");
        default -> require(first == 0 && count == 0 && size == 0, slot, "content");
      }
      for (int time = 0; time < 4; time++) {
        int nanos = field(slot, TreeFormat.INODE_NANOS + 4 * time);
        require(nanos >= 0 && nanos <= NANOS_MAX, slot, "time");
      }
      checkXattrs(slot);
    }
    require(tree.ino(0) == NodeId.ROOT && tree.type(0) == FileType.DIRECTORY, 0, "root");
    require(nextDentry == tree.entryCount(), 0, "number of names");
    require(contentBytes == tree.contentBytes(), 0, "sum of sizes");
    require(previousIno < tree.nextIno(), 0, "next inode number");
  }

  private void checkBlocks(int slot, long first, long pages, long size) {
    long blocks = TreeWriter.blockCountOf(size);
    long available = tree.blocks().length() / BlockId.BYTES;
    require(first <= available && blocks <= available - first, slot, "blocks");
    require(
        pages <= blocks * (BlockId.BLOCK_BYTES / TreeFormat.SPACE_BYTES), slot, "allocated space");
  }

  private void checkXattrs(int slot) {
    int offset = field(slot, TreeFormat.INODE_XATTRS);
    if (offset == TreeFormat.NONE) {
      return;
    }
    TreeSection section = tree.xattrSection();
    boolean inside =
        offset >= 0
            && offset % TreeFormat.XATTR_SET_ALIGNMENT == 0
            && offset + 6L <= section.length();
    require(inside, slot, "xattrs");
    int bytes = section.getInt(offset);
    require(bytes >= 2 && offset + 4L + bytes <= section.length(), slot, "xattrs");
    try {
      tree.xattrs(slot);
    } catch (IllegalArgumentException | BufferUnderflowException e) {
      throw impossible(slot, "xattrs");
    }
  }

  private void checkChildren(int slot) {
    int first = field(slot, TreeFormat.INODE_CONTENT);
    int count = field(slot, TreeFormat.INODE_CONTENT_COUNT);
    Name previous = null;
    for (int i = 0; i < count; i++) {
      int dentry = (first + i) * TreeFormat.DENTRY_BYTES;
      int nameAt = tree.dentries().getInt(dentry + TreeFormat.DENTRY_NAME);
      boolean inside = nameAt >= 0 && nameAt < tree.names().length();
      require(inside, slot, "child's name");
      int length = tree.names().getByte(nameAt) & 0xff;
      require(length > 0 && nameAt + 1L + length <= tree.names().length(), slot, "child's name");
      Name name = tree.childName(slot, i);
      require(
          name.isValidEntry() && (previous == null || previous.compareTo(name) < 0),
          slot,
          "order of names");
      previous = name;
      int child = tree.dentries().getInt(dentry + TreeFormat.DENTRY_SLOT);
      require(child > 0 && child < tree.inodeCount(), slot, "child");
      if (names[child]++ == 0) {
        require(
            tree.parentSlot(child) == slot && field(child, TreeFormat.INODE_DENTRY) == first + i,
            child,
            "first name");
      }
      if (tree.type(child) == FileType.DIRECTORY) {
        subdirectories[slot]++;
      }
    }
  }

  private void checkNames(int slot) {
    int nlink = field(slot, TreeFormat.INODE_NLINK);
    boolean directory = tree.type(slot) == FileType.DIRECTORY;
    if (slot == 0) {
      require(
          tree.parentSlot(0) == 0 && field(0, TreeFormat.INODE_DENTRY) == TreeFormat.NONE,
          0,
          "root");
    } else {
      require(directory ? names[slot] == 1 : names[slot] > 0, slot, "number of names");
    }
    require(nlink == (directory ? 2 + subdirectories[slot] : names[slot]), slot, "link count");
  }

  /** Each has a parent by now; what hangs on the root does so in fewer steps than there are. */
  private void checkReached() {
    BitSet reached = new BitSet(tree.inodeCount());
    reached.set(0);
    for (int slot = 1; slot < tree.inodeCount(); slot++) {
      int steps = 0;
      for (int at = slot; !reached.get(at); at = tree.parentSlot(at)) {
        require(steps++ < tree.inodeCount(), slot, "parent");
      }
      for (int at = slot; !reached.get(at); at = tree.parentSlot(at)) {
        reached.set(at);
      }
    }
  }

  private int field(int slot, int field) {
    return tree.inodes().getInt(slot * TreeFormat.INODE_BYTES + field);
  }

  private void require(boolean condition, int slot, String what) {
    if (!condition) {
      throw impossible(slot, what);
    }
  }

  private CorruptTreeException impossible(int slot, String what) {
    return new CorruptTreeException(
        tree.file(),
        tree.inodes().fileOffset(slot * TreeFormat.INODE_BYTES),
        "impossible " + what + " of inode " + tree.ino(slot));
  }
}
