package io.mapfs.core.fs;

/**
 * Who asks: the credentials of the calling thread, and whether it still wants the answer.
 *
 * <p>The kernel checks permissions (default_permissions); operations use these to own new files.
 */
public interface RequestContext {
  /** The caller's filesystem uid. */
  int uid();

  /** The caller's filesystem gid. */
  int gid();

  /** The calling thread's id in the daemon's pid namespace, 0 if it has none there. */
  int pid();

  /** The umask for a creating operation (FUSE_DONT_MASK: the filesystem applies it), else 0. */
  int umask();

  /**
   * Whether the times of a regular file are the caller's to set: a kernel with the writeback cache
   * has set them when the program wrote, may have shown them since, and sends those that it
   * changed. A change of content then sets none: a second opinion of when it was would show only
   * after the kernel has forgotten its own (fs/fuse, fuse_get_cache_mask, fuse_flush_times).
   */
  default boolean keepsTimes() {
    return false;
  }

  /** Whether the kernel interrupted this request (FUSE_INTERRUPT). Anything that waits must ask. */
  boolean isInterrupted();

  /**
   * Has {@code action} run, once, on interruption (at once if that has come already), so that a
   * wait can be woken. At most one action stands; {@code null} removes it.
   */
  void onInterrupt(Runnable action);
}
