package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import java.nio.ByteBuffer;

/**
 * What the dispatcher needs done to the kernel's caches while it serves a request. Dirty pages are
 * written back by someone outside of the daemon's process: a thread of the daemon would wait for
 * requests that it is to answer itself.
 */
public interface KernelCache {
  /** Whether that thread is the one who writes back on the daemon's behalf. */
  boolean isWriter(int pid);

  /**
   * Starts write-back of all dirty pages of the node and waits for it as far as the kernel lets one
   * wait without the inode's lock (since Linux 6.16 it does until the WRITEs are answered).
   *
   * @return the file's length as the kernel has it
   */
  long writeBack(RequestContext context, long node) throws FsException;

  /** Sends {@link Notification#store}: the pages are the kernel's when this returns. */
  void store(ByteBuffer notification);

  /** Drops the node's cached attributes before it returns. Takes no lock and never waits. */
  void dropAttributes(long node);
}
