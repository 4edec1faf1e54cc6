package io.mapfs.core.importer;

import io.mapfs.core.fs.Name;
import java.util.Arrays;

/** Finds a {@link NameTree}'s nodes by parent and name: an open hash table of node numbers. */
final class NameIndex {
  private final NameTree tree;
  private int[] table = newTable(4096);

  NameIndex(NameTree tree) {
    this.tree = tree;
  }

  /** The child's node, or {@link NameTree#NONE}. */
  int find(int parent, Name name) {
    int mask = table.length - 1;
    int at = hash(parent, name.hashCode()) & mask;
    while (table[at] != NameTree.NONE) {
      int node = table[at];
      if (tree.parent(node) == parent && tree.hasName(node, name)) {
        return node;
      }
      at = (at + 1) & mask;
    }
    return NameTree.NONE;
  }

  /** Adds a node, which must not be there, to the tree and to this index. */
  int add(int parent, Name name, int inode) {
    int node = tree.addNode(parent, name, inode);
    if (tree.nodeCount() > table.length / 2) {
      int[] old = table;
      table = newTable(old.length * 2);
      for (int entry : old) {
        if (entry != NameTree.NONE) {
          insert(entry, tree.parent(entry), tree.name(entry));
        }
      }
    }
    insert(node, parent, name);
    return node;
  }

  private void insert(int node, int parent, Name name) {
    int mask = table.length - 1;
    int at = hash(parent, name.hashCode()) & mask;
    while (table[at] != NameTree.NONE) {
      at = (at + 1) & mask;
    }
    table[at] = node;
  }

  private static int hash(int parent, int name) {
    int mixed = (parent * 31 + name) * 0x9E3779B9;
    return mixed ^ (mixed >>> 16);
  }

  private static int[] newTable(int capacity) {
    int[] table = new int[capacity];
    Arrays.fill(table, NameTree.NONE);
    return table;
  }
}
