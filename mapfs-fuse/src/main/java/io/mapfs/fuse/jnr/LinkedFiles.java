package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.Attributes;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The inodes that have, or had during this mount, more than one name. libfuse 2 gives each name a
 * node of its own and so a page cache of its own: these files' pages may not outlive an open.
 * Bounded: when it is full, no file's may.
 */
final class LinkedFiles {
  private static final int FILES_MAX = 1 << 16;

  private final Set<Long> inos = ConcurrentHashMap.newKeySet();
  private volatile boolean full;

  void linked(long ino) {
    if (inos.size() >= FILES_MAX) {
      full = true;
    } else {
      inos.add(ino);
    }
  }

  /** Whether the pages that the kernel has of a file are surely right when it is opened. */
  boolean mayKeepCache(Attributes file) {
    if (file.nlink() > 1) {
      linked(file.ino());
    }
    return !full && !inos.contains(file.ino());
  }
}
