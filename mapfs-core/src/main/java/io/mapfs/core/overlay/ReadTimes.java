package io.mapfs.core.overlay;

import io.mapfs.core.fs.FileTime;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * When inodes of the version were read that have no own record. Kept in memory only, and only so
 * many: of the one that was read first the version's time counts again. Safe for any thread.
 */
final class ReadTimes {
  private static final int INODES_MAX = 16384;

  private final Map<Long, FileTime> times =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, FileTime> eldest) {
          return size() > INODES_MAX;
        }
      };

  synchronized void put(long ino, FileTime time) {
    times.put(ino, time);
  }

  /** The inode's access time, where the version says {@code inherited}. */
  synchronized FileTime get(long ino, FileTime inherited) {
    return times.getOrDefault(ino, inherited);
  }

  /** The same, of an inode that gets a record of its own. */
  synchronized FileTime take(long ino, FileTime inherited) {
    FileTime time = times.remove(ino);
    return time == null ? inherited : time;
  }
}
