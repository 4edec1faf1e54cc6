package io.mapfs.node;

import io.mapfs.core.overlay.Versions;
import io.mapfs.core.tree.RepositoryTree;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/**
 * The trees that a mounted overlay stands on: the current one, and older ones once a file needs
 * them.
 */
final class NodeVersions implements Versions {
  /** Brings a version's tree here; blocks. */
  @FunctionalInterface
  interface TreeSource {
    RepositoryTree open(int version) throws IOException;
  }

  private final RepositoryTree current;
  private final TreeSource source;
  private final Map<Integer, RepositoryTree> older = new HashMap<>();

  NodeVersions(RepositoryTree current, TreeSource source) {
    this.current = current;
    this.source = source;
  }

  @Override
  public RepositoryTree current() {
    return current;
  }

  @Override
  public RepositoryTree get(int version) throws IOException {
    if (version == current.version()) {
      return current;
    }
    synchronized (older) {
      RepositoryTree tree = older.get(version);
      if (tree == null) {
        tree = source.open(version);
        older.put(version, tree);
      }
      return tree;
    }
  }
}
