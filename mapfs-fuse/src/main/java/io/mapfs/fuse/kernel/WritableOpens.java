package io.mapfs.fuse.kernel;

import java.util.concurrent.ConcurrentHashMap;

/**
 * The nodes that are open for writing, and how often. With the writeback cache only these can have
 * dirty pages: a shared map holds its open file, and the last close writes back before RELEASE
 * (fs/fuse/file.c, fuse_release).
 */
final class WritableOpens {
  private final ConcurrentHashMap<Long, Integer> opens = new ConcurrentHashMap<>();

  void opened(long node) {
    opens.merge(node, 1, Integer::sum);
  }

  void released(long node) {
    opens.computeIfPresent(node, (n, count) -> count == 1 ? null : count - 1);
  }

  boolean contains(long node) {
    return opens.containsKey(node);
  }

  long[] nodes() {
    return opens.keySet().stream().mapToLong(Long::longValue).toArray();
  }
}
