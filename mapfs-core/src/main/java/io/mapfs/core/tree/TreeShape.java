package io.mapfs.core.tree;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.NodeId;
import java.util.Arrays;
import java.util.Comparator;

/**
 * The canonical order of what a {@link TreeWriter} was given, and the proof that it is a tree: one
 * root, every inode named, every directory named once and reached from the root, no name twice in a
 * directory.
 */
final class TreeShape {
  private final TreeWriter input;

  /** Inode numbers by slot, ascending. */
  private final long[] sortedInos;

  /** By slot: the inode's place in the order of adding. */
  private final int[] added;

  /** By name, in the order of adding: its inode's slot. */
  private final int[] childSlots;

  /** Names by directory slot, then by bytes. */
  private final int[] nameOrder;

  /** By slot: where its children begin in {@link #nameOrder}; one more at the end. */
  private final int[] firstChild;

  private final int[] firstName;
  private final int[] parentSlot;
  private final int[] nlink;

  static TreeShape of(TreeWriter input) {
    TreeShape shape = new TreeShape(input);
    shape.sortInodes();
    shape.sortNames();
    shape.link();
    shape.requireReachable();
    return shape;
  }

  private TreeShape(TreeWriter input) {
    this.input = input;
    int inodes = input.inodeCount();
    int names = input.nameCount();
    sortedInos = new long[inodes];
    added = new int[inodes];
    childSlots = new int[names];
    nameOrder = new int[names];
    firstChild = new int[inodes + 1];
    firstName = new int[inodes];
    parentSlot = new int[inodes];
    nlink = new int[inodes];
  }

  long lastIno() {
    return sortedInos[sortedInos.length - 1];
  }

  int added(int slot) {
    return added[slot];
  }

  /** The name at a place in the order of dentries. */
  int nameAt(int dentry) {
    return nameOrder[dentry];
  }

  int childSlot(int name) {
    return childSlots[name];
  }

  int firstChild(int slot) {
    return firstChild[slot];
  }

  int childCount(int slot) {
    return firstChild[slot + 1] - firstChild[slot];
  }

  /** The lowest dentry that names the inode; NONE for the root. */
  int firstName(int slot) {
    return firstName[slot];
  }

  /** The directory of the first name; the root's is itself. */
  int parentSlot(int slot) {
    return parentSlot[slot];
  }

  int nlink(int slot) {
    return nlink[slot];
  }

  private void sortInodes() {
    for (int i = 0; i < sortedInos.length; i++) {
      sortedInos[i] = input.ino(i);
    }
    Arrays.sort(sortedInos);
    for (int slot = 1; slot < sortedInos.length; slot++) {
      if (sortedInos[slot] == sortedInos[slot - 1]) {
        throw broken("inode " + sortedInos[slot] + " was added twice");
      }
    }
    if (sortedInos.length == 0 || sortedInos[0] != NodeId.ROOT) {
      throw broken("there is no root (inode 1)");
    }
    for (int i = 0; i < added.length; i++) {
      added[Arrays.binarySearch(sortedInos, input.ino(i))] = i;
    }
    if (!isDirectory(0)) {
      throw broken("the root is not a directory");
    }
  }

  /** A counting sort by directory, then each directory by name. */
  private void sortNames() {
    int[] parents = new int[nameOrder.length];
    for (int name = 0; name < parents.length; name++) {
      parents[name] = slotOf(input.parentIno(name), name);
      childSlots[name] = slotOf(input.childIno(name), name);
      if (!isDirectory(parents[name])) {
        throw broken(
            describe(name)
                + " stands in inode "
                + input.parentIno(name)
                + ", which is not a directory");
      }
      firstChild[parents[name] + 1]++;
    }
    for (int slot = 0; slot < sortedInos.length; slot++) {
      firstChild[slot + 1] += firstChild[slot];
    }
    int[] next = firstChild.clone();
    for (int name = 0; name < parents.length; name++) {
      nameOrder[next[parents[name]]++] = name;
    }
    Comparator<Integer> byName = input.byName();
    for (int slot = 0; slot < sortedInos.length; slot++) {
      sortDirectory(slot, byName);
    }
  }

  private void sortDirectory(int slot, Comparator<Integer> byName) {
    int from = firstChild[slot];
    int count = childCount(slot);
    if (count < 2) {
      return;
    }
    Integer[] children = new Integer[count];
    for (int i = 0; i < count; i++) {
      children[i] = nameOrder[from + i];
    }
    Arrays.sort(children, byName);
    for (int i = 0; i < count; i++) {
      nameOrder[from + i] = children[i];
      if (i > 0 && byName.compare(children[i - 1], children[i]) == 0) {
        throw broken(describe(children[i]) + " stands twice in inode " + sortedInos[slot]);
      }
    }
  }

  private void link() {
    Arrays.fill(firstName, TreeFormat.NONE);
    for (int slot = 0; slot < sortedInos.length; slot++) {
      if (isDirectory(slot)) {
        nlink[slot] = 2;
      }
    }
    for (int slot = 0; slot < sortedInos.length; slot++) {
      for (int dentry = firstChild[slot]; dentry < firstChild[slot + 1]; dentry++) {
        int child = childSlots[nameOrder[dentry]];
        boolean directory = isDirectory(child);
        if (child == 0 || (directory && firstName[child] != TreeFormat.NONE)) {
          throw broken(
              "directory inode "
                  + sortedInos[child]
                  + " has one name too many: "
                  + describe(nameOrder[dentry]));
        }
        if (firstName[child] == TreeFormat.NONE) {
          firstName[child] = dentry;
          parentSlot[child] = slot;
        }
        nlink[directory ? slot : child]++;
      }
    }
    for (int slot = 1; slot < sortedInos.length; slot++) {
      if (firstName[slot] == TreeFormat.NONE) {
        throw broken("inode " + sortedInos[slot] + " has no name");
      }
    }
  }

  /** Directories that hold each other would have names and yet hang in the air. */
  private void requireReachable() {
    boolean[] reached = new boolean[sortedInos.length];
    reached[0] = true;
    int[] path = new int[64];
    for (int slot = 1; slot < sortedInos.length; slot++) {
      int depth = 0;
      int at = slot;
      while (!reached[at]) {
        if (depth == path.length) {
          path = Arrays.copyOf(path, depth * 2);
        }
        path[depth++] = at;
        at = parentSlot[at];
        if (depth > sortedInos.length) {
          throw broken("inode " + sortedInos[slot] + " is not reached from the root");
        }
      }
      for (int i = 0; i < depth; i++) {
        reached[path[i]] = true;
      }
    }
  }

  private boolean isDirectory(int slot) {
    return input.type(added[slot]) == FileType.DIRECTORY;
  }

  private int slotOf(long ino, int name) {
    int slot = Arrays.binarySearch(sortedInos, ino);
    if (slot < 0) {
      throw broken(describe(name) + " refers to inode " + ino + ", which was not added");
    }
    return slot;
  }

  private String describe(int name) {
    return "name \"" + new String(input.nameBytes(name), UTF_8) + "\"";
  }

  private static IllegalStateException broken(String what) {
    return new IllegalStateException("not a tree: " + what);
  }
}
