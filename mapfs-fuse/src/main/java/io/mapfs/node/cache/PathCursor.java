package io.mapfs.node.cache;

import io.mapfs.core.fs.FileType;
import io.mapfs.core.tree.RepositoryTree;
import java.util.Arrays;

/**
 * Walks a tree in path order: a directory before its children, children by name. This is the order
 * in which tar, cp, find and package managers come across files.
 *
 * <p>Keeps the way down, because a slot with several names has no single place in the order.
 */
final class PathCursor {
  private final RepositoryTree tree;
  private int[] directories = new int[16];
  private int[] indexes = new int[16];
  private int depth;
  private int slot;

  /** Stands at a slot (at its first name). */
  PathCursor(RepositoryTree tree, int slot) {
    this.tree = tree;
    this.slot = slot;
    for (int at = slot; tree.name(at) != null; ) {
      int parent = tree.slotOf(tree.parentIno(at));
      if (parent == RepositoryTree.NONE) {
        break;
      }
      push(parent, tree.childIndex(parent, tree.name(at)));
      at = parent;
    }
    reverse();
  }

  int slot() {
    return slot;
  }

  /** Moves to the next name; false at the end of the tree. */
  boolean advance() {
    if (tree.type(slot) == FileType.DIRECTORY && tree.childCount(slot) > 0) {
      push(slot, 0);
      slot = tree.childSlot(slot, 0);
      return true;
    }
    while (depth > 0) {
      int directory = directories[depth - 1];
      int next = ++indexes[depth - 1];
      if (next < tree.childCount(directory)) {
        slot = tree.childSlot(directory, next);
        return true;
      }
      depth--;
    }
    return false;
  }

  private void push(int directory, int index) {
    if (depth == directories.length) {
      directories = Arrays.copyOf(directories, 2 * depth);
      indexes = Arrays.copyOf(indexes, 2 * depth);
    }
    directories[depth] = directory;
    indexes[depth] = index;
    depth++;
  }

  private void reverse() {
    for (int low = 0, high = depth - 1; low < high; low++, high--) {
      int directory = directories[low];
      directories[low] = directories[high];
      directories[high] = directory;
      int index = indexes[low];
      indexes[low] = indexes[high];
      indexes[high] = index;
    }
  }
}
