package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;

/**
 * Someone outside of the daemon's process who makes the kernel write an inode's dirty pages back. A
 * thread of the daemon may not: it would wait for requests that it is to answer itself.
 */
public interface CacheWriteBack {
  /** A connection without a writeback cache. */
  CacheWriteBack NONE =
      new CacheWriteBack() {
        @Override
        public boolean isOwn(int pid) {
          return false;
        }

        @Override
        public long writeBack(RequestContext context, long node) {
          throw new IllegalStateException("nothing holds writes back");
        }
      };

  /** Whether that thread is the one who writes back on the daemon's behalf. */
  boolean isOwn(int pid);

  /**
   * Starts write-back of all dirty pages of the node and waits for it as far as the kernel lets one
   * wait without the inode's lock (since Linux 6.16 it does until the WRITEs are answered).
   *
   * @return the file's length as the kernel has it
   */
  long writeBack(RequestContext context, long node) throws FsException;
}
