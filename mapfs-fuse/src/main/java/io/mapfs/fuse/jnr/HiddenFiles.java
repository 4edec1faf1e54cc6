package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.FileSystemOperations;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * Files that lost their name while they were open.
 *
 * <p>libfuse 2 finds a node by its path alone, so it renames such a file to {@code .fuse_hidden…}
 * (fuse.c, hide_node) instead of removing it, and removes that name at the last close. Here the
 * file is really removed and the hidden name leads to its inode: it is in no directory, its link
 * count is right, a crash leaves nothing behind, and a rename over an open file stays one change.
 * Each entry holds a lookup.
 */
final class HiddenFiles {
  /** ".fuse_hidden%08x%08x" (fuse.c, hidden_name). */
  private static final Pattern NAME = Pattern.compile("\\.fuse_hidden[0-9a-f]{16}");

  private static final int NAME_BYTES = 28;

  private final FileSystemOperations operations;
  private final Map<String, Long> nodes = new ConcurrentHashMap<>();

  HiddenFiles(FileSystemOperations operations) {
    this.operations = operations;
  }

  /** Whether a name has the form that libfuse hides files under. */
  static boolean isHiddenName(byte[] name) {
    return name.length == NAME_BYTES && NAME.matcher(text(name)).matches();
  }

  /** The node under a hidden name; {@code null} if it is none. */
  Long node(byte[] name) {
    return name.length == NAME_BYTES && !nodes.isEmpty() ? nodes.get(text(name)) : null;
  }

  /** From now on the name leads to the node, whose lookup passes to this object. */
  void hide(byte[] name, long node) {
    Long old = nodes.put(text(name), node);
    if (old != null) {
      operations.forget(old, 1);
    }
  }

  /** Drops a name; false if it is none. */
  boolean remove(byte[] name) {
    Long node = nodes.remove(text(name));
    if (node != null) {
      operations.forget(node, 1);
    }
    return node != null;
  }

  /** Drops all names of a node that was closed for the last time. */
  void closed(long node) {
    if (!nodes.isEmpty()) {
      nodes.forEach(
          (name, hidden) -> {
            if (hidden == node && nodes.remove(name, hidden)) {
              operations.forget(node, 1);
            }
          });
    }
  }

  private static String text(byte[] name) {
    return new String(name, StandardCharsets.ISO_8859_1);
  }
}
