package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What fuse_file_info's handle stands for: open files and directories, each with the lookup that it
 * holds. The kernel bounds their number (the open files of its processes).
 */
final class OpenFiles {
  /**
   * An open file or directory.
   *
   * @param node its node
   * @param handle the filesystem's own handle
   * @param counted whether it holds a lookup of the node
   */
  record OpenFile(long node, long handle, boolean counted) {}

  private final Map<Long, OpenFile> open = new ConcurrentHashMap<>();
  private final Map<Long, Integer> opensByNode = new ConcurrentHashMap<>();
  private final AtomicLong numbers = new AtomicLong();

  /** The number of a file that was opened. */
  long add(long node, long handle, boolean counted) {
    long number = numbers.incrementAndGet();
    opensByNode.merge(node, 1, Integer::sum);
    open.put(number, new OpenFile(node, handle, counted));
    return number;
  }

  OpenFile get(long number) throws FsException {
    OpenFile file = open.get(number);
    if (file == null) {
      throw new FsException(Errno.EBADF, "no file is open as " + number);
    }
    return file;
  }

  /** Ends an open file; {@code null} if there is none of that number. */
  OpenFile remove(long number) {
    OpenFile file = open.remove(number);
    if (file != null) {
      opensByNode.computeIfPresent(file.node(), (node, count) -> count == 1 ? null : count - 1);
    }
    return file;
  }

  boolean isOpen(long node) {
    return opensByNode.containsKey(node);
  }
}
