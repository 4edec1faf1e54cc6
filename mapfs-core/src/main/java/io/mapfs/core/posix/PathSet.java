package io.mapfs.core.posix;

import io.mapfs.core.fs.Name;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Paths under a tree's root that are left out, with all below them. Immutable once made. */
public final class PathSet {
  /** Below nothing that is excluded. */
  private static final PathSet NOTHING = new PathSet();

  private final Map<Name, PathSet> children = new HashMap<>();
  private boolean included;

  private PathSet() {}

  /**
   * A set of these paths. Slashes at either end, empty components and dots mean nothing.
   *
   * @throws IllegalArgumentException if a path leads out of the tree or is its root; one line
   */
  public static PathSet of(List<String> paths) {
    PathSet root = new PathSet();
    for (String path : paths) {
      PathSet at = root;
      for (String component : path.split("/")) {
        if (component.isEmpty() || component.equals(".")) {
          continue;
        }
        byte[] bytes = Posix.bytes(component);
        if (component.equals("..") || bytes.length > Name.MAX_BYTES) {
          throw new IllegalArgumentException(
              "cannot exclude " + path + ": give a path under the tree's root");
        }
        at = at.children.computeIfAbsent(Name.of(bytes), name -> new PathSet());
      }
      if (at == root) {
        throw new IllegalArgumentException(
            "cannot exclude \"" + path + "\": nothing would be left");
      }
      at.included = true;
    }
    return root;
  }

  /** What the set says about a child of the directory that this is about. */
  public PathSet child(Name name) {
    return children.isEmpty() ? NOTHING : children.getOrDefault(name, NOTHING);
  }

  /** Whether this very path, and so all below it, is in the set. */
  public boolean included() {
    return included;
  }
}
