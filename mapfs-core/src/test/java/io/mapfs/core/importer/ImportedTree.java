package io.mapfs.core.importer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.tree.RepositoryTree;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Looks into a version by path; a char per byte. */
final class ImportedTree {
  private final RepositoryTree tree;

  ImportedTree(RepositoryTree tree) {
    this.tree = tree;
  }

  int slot(String path) {
    int slot = tree.slotOf(1);
    for (String component : path.split("/")) {
      if (!component.isEmpty() && slot != RepositoryTree.NONE) {
        slot = tree.lookup(slot, Name.of(component.getBytes(ISO_8859_1)));
      }
    }
    return slot;
  }

  boolean has(String path) {
    return slot(path) != RepositoryTree.NONE;
  }

  long ino(String path) {
    return tree.ino(slot(path));
  }

  Attributes attributes(String path) {
    return tree.attributes(slot(path));
  }

  byte[] xattr(String path, String name) {
    return tree.xattr(slot(path), Name.of(name));
  }

  /** Path to inode number, of all names. */
  SortedMap<String, Long> inos() {
    SortedMap<String, Long> inos = new TreeMap<>();
    collect("", tree.slotOf(1), inos);
    return inos;
  }

  private void collect(String prefix, int directory, Map<String, Long> inos) {
    for (int i = 0; i < tree.childCount(directory); i++) {
      String path = prefix + new String(tree.childName(directory, i).toBytes(), ISO_8859_1);
      int child = tree.childSlot(directory, i);
      inos.put(path, tree.ino(child));
      if (tree.type(child) == FileType.DIRECTORY) {
        collect(path + "/", child, inos);
      }
    }
  }
}
