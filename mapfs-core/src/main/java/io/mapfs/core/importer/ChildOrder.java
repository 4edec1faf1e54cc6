package io.mapfs.core.importer;

import java.util.Arrays;

/**
 * The live nodes of a finished {@link NameTree} in path order: depth first, children by the
 * unsigned bytes of their names. Also how many names each inode has.
 */
final class ChildOrder {
  private final int[] nodes;
  private final int[] linkCounts;

  private ChildOrder(int[] nodes, int[] linkCounts) {
    this.nodes = nodes;
    this.linkCounts = linkCounts;
  }

  static ChildOrder of(NameTree tree) {
    int count = tree.nodeCount();
    int[] firstChild = new int[count + 1];
    int[] linkCounts = new int[tree.inodeCount()];
    int live = 0;
    for (int node = 0; node < count; node++) {
      int inode = tree.inode(node);
      if (inode != NameTree.NONE) {
        linkCounts[inode]++;
        live++;
        if (node != NameTree.ROOT) {
          firstChild[tree.parent(node) + 1]++;
        }
      }
    }
    for (int node = 0; node < count; node++) {
      firstChild[node + 1] += firstChild[node];
    }
    int[] children = new int[live - 1];
    int[] next = Arrays.copyOf(firstChild, count);
    for (int node = 1; node < count; node++) {
      if (tree.inode(node) != NameTree.NONE) {
        children[next[tree.parent(node)]++] = node;
      }
    }
    for (int node = 0; node < count; node++) {
      sort(tree, children, firstChild[node], firstChild[node + 1]);
    }
    return new ChildOrder(preorder(children, firstChild, live), linkCounts);
  }

  private static void sort(NameTree tree, int[] children, int from, int to) {
    boolean sorted = true;
    for (int i = from + 1; i < to && sorted; i++) {
      sorted = tree.compareNames(children[i - 1], children[i]) < 0;
    }
    if (sorted) {
      return;
    }
    Integer[] boxed = new Integer[to - from];
    for (int i = from; i < to; i++) {
      boxed[i - from] = children[i];
    }
    Arrays.sort(boxed, tree::compareNames);
    for (int i = from; i < to; i++) {
      children[i] = boxed[i - from];
    }
  }

  private static int[] preorder(int[] children, int[] firstChild, int live) {
    int[] order = new int[live];
    int[] stack = new int[live];
    int depth = 0;
    stack[depth++] = NameTree.ROOT;
    int done = 0;
    while (depth > 0) {
      int node = stack[--depth];
      order[done++] = node;
      for (int i = firstChild[node + 1] - 1; i >= firstChild[node]; i--) {
        stack[depth++] = children[i];
      }
    }
    return order;
  }

  /** Number of live nodes, the root included. */
  int size() {
    return nodes.length;
  }

  /** A node by its place in path order; place 0 is the root. */
  int node(int place) {
    return nodes[place];
  }

  /** How many names an inode has; 0 for one that was replaced. */
  int linkCount(int inode) {
    return linkCounts[inode];
  }
}
