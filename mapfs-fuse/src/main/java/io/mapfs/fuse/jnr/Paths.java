package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.RequestContext;
import java.util.Arrays;

/** Walks libfuse's paths, name by name. */
final class Paths {
  private final FileSystemOperations operations;
  private final HiddenFiles hidden;

  Paths(FileSystemOperations operations, HiddenFiles hidden) {
    this.operations = operations;
    this.hidden = hidden;
  }

  /** A node that was looked up, and stays so until this is closed or taken. */
  final class Found implements AutoCloseable {
    private final long node;
    private final Attributes attributes;
    private boolean counted;

    private Found(long node, Attributes attributes, boolean counted) {
      this.node = node;
      this.attributes = attributes;
      this.counted = counted;
    }

    long node() {
      return node;
    }

    /** As the lookup gave them; {@code null} for the root and for a hidden file. */
    Attributes attributes() {
      return attributes;
    }

    /** Hands the lookup over; false if there is none, as for the root and for a hidden file. */
    boolean take() {
      boolean taken = counted;
      counted = false;
      return taken;
    }

    @Override
    public void close() {
      if (counted) {
        operations.forget(node, 1);
        counted = false;
      }
    }
  }

  /** A directory that was looked up, and the last name of a path in it. */
  record Entry(Found directory, Name name) implements AutoCloseable {
    long parent() {
      return directory.node();
    }

    @Override
    public void close() {
      directory.close();
    }
  }

  /** The node at a path; ENOENT if there is none. */
  Found find(RequestContext context, long path) throws FsException {
    byte[] bytes = NativeMemory.string(path);
    Long hiddenNode = hidden.node(lastName(bytes));
    return hiddenNode == null
        ? walk(context, bytes, bytes.length)
        : new Found(hiddenNode, null, false);
  }

  /** The directory of a path, and its last name, which need not exist. */
  Entry findParent(RequestContext context, long path) throws FsException {
    byte[] bytes = NativeMemory.string(path);
    int slash = lastSlash(bytes);
    return new Entry(walk(context, bytes, slash), name(bytes, slash + 1, bytes.length));
  }

  /** The last name of a path. */
  static byte[] lastName(byte[] path) {
    return Arrays.copyOfRange(path, lastSlash(path) + 1, path.length);
  }

  private static int lastSlash(byte[] path) {
    int at = path.length - 1;
    while (at >= 0 && path[at] != '/') {
      at--;
    }
    return at;
  }

  /** Walks the first {@code end} bytes of a path, each lookup taken back once the next is made. */
  private Found walk(RequestContext context, byte[] path, int end) throws FsException {
    Found at = new Found(NodeId.ROOT, null, false);
    for (int start = 0; start < end; ) {
      if (path[start] == '/') {
        start++;
        continue;
      }
      int stop = start;
      while (stop < end && path[stop] != '/') {
        stop++;
      }
      try (Found directory = at) {
        Attributes child = operations.lookup(context, directory.node(), name(path, start, stop));
        if (child == null) {
          throw new FsException(Errno.ENOENT, "lookup");
        }
        at = new Found(child.node(), child, true);
      }
      start = stop;
    }
    return at;
  }

  private static Name name(byte[] path, int start, int stop) throws FsException {
    if (stop - start > Name.MAX_BYTES) {
      // The kernel passes up to FUSE_NAME_MAX (1,024) bytes on.
      throw new FsException(Errno.ENAMETOOLONG, "a name of " + (stop - start) + " bytes");
    }
    return Name.of(Arrays.copyOfRange(path, start, stop));
  }
}
