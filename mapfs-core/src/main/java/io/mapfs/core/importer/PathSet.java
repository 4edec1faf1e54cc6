package io.mapfs.core.importer;

import io.mapfs.core.fs.Name;
import io.mapfs.core.posix.Posix;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Paths under a source's root that are left out, with all below them. */
final class PathSet {
  /** Below nothing that is excluded. */
  private static final PathSet NOTHING = new PathSet();

  private final Map<Name, PathSet> children = new HashMap<>();
  private boolean included;

  private PathSet() {}

  /** Slashes at either end, empty components and dots mean nothing. */
  static PathSet of(List<String> paths) throws ImportException {
    PathSet root = new PathSet();
    for (String path : paths) {
      PathSet at = root;
      for (String component : path.split("/")) {
        if (component.isEmpty() || component.equals(".")) {
          continue;
        }
        byte[] bytes = Posix.bytes(component);
        if (component.equals("..") || bytes.length > Name.MAX_BYTES) {
          throw new ImportException(
              "cannot exclude " + path + ": give a path under the source's root");
        }
        at = at.children.computeIfAbsent(Name.of(bytes), name -> new PathSet());
      }
      if (at == root) {
        throw new ImportException("cannot exclude \"" + path + "\": nothing would be left");
      }
      at.included = true;
    }
    return root;
  }

  /** What the set says about a child of the directory that this is about. */
  PathSet child(Name name) {
    return children.isEmpty() ? NOTHING : children.getOrDefault(name, NOTHING);
  }

  /** Whether this very path, and so all below it, is in the set. */
  boolean included() {
    return included;
  }
}
