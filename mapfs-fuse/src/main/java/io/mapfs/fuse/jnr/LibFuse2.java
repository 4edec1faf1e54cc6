package io.mapfs.fuse.jnr;

import jnr.ffi.annotations.IgnoreError;

/**
 * The functions of libfuse 2.9 that jnr-fuse does not bind: mounting and the event loop in pieces,
 * so that the threads are MapFS's own, bounded, and see each request before libfuse does. Addresses
 * and sizes are {@code long}: 64-bit machines only.
 */
public interface LibFuse2 {
  /** The dynamic loader, which finds a function of a version. */
  interface Loader {
    long dlopen(String file, int flags);

    long dlvsym(long library, String name, String version);
  }

  /** {@code struct fuse_chan *fuse_mount(const char *mountpoint, struct fuse_args *args)}. */
  long fuse_mount(long mountPoint, long arguments);

  /** Closes the channel; unmounts lazily if that was not done. */
  void fuse_unmount(long mountPoint, long channel);

  void fuse_destroy(long fuse);

  @IgnoreError
  long fuse_get_session(long fuse);

  @IgnoreError
  long fuse_session_next_chan(long session, long channel);

  @IgnoreError
  long fuse_chan_bufsize(long channel);

  /** Waits for a request: its length, 0 at the end, or -errno. */
  @IgnoreError
  int fuse_session_receive_buf(long session, long buffer, long channelPointer);

  @IgnoreError
  void fuse_session_process_buf(long session, long buffer, long channel);

  @IgnoreError
  int fuse_session_exited(long session);

  @IgnoreError
  void fuse_session_exit(long session);

  /** Version times ten: 29 for 2.9. */
  @IgnoreError
  int fuse_version();
}
