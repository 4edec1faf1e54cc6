package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import java.nio.ByteBuffer;

/** Requests on open directories. */
final class DirectoryHandlers {
  private static final int FSYNC_DATA_ONLY = 1;

  private DirectoryHandlers() {}

  static void opendir(KernelConnection c, Exchange x) throws FsException {
    if (c.has(InitFlag.NO_OPENDIR_SUPPORT)) {
      // From now on the kernel opens directories itself, and caches what it reads of them.
      throw new FsException(Errno.ENOSYS, "opendir has nothing to do");
    }
    long handle = c.operations().opendir(x, x.node());
    OpenOut.put(x.out(), handle, OpenOut.FOPEN_KEEP_CACHE | OpenOut.FOPEN_CACHE_DIR);
  }

  static void readdir(KernelConnection c, Exchange x) throws FsException {
    readdir(c, x, false);
  }

  static void readdirplus(KernelConnection c, Exchange x) throws FsException {
    readdir(c, x, true);
  }

  /**
   * {@code struct fuse_read_in}: u64 fh, u64 offset (the cookie), u32 size, …. A failure behind the
   * first entry is left for the next request, because the kernel already counts lookups for those
   * that were taken.
   */
  private static void readdir(KernelConnection c, Exchange x, boolean plus) throws FsException {
    ByteBuffer in = x.in();
    long handle = c.directoryHandle(in.getLong());
    long cookie = in.getLong();
    long size = Integer.toUnsignedLong(in.getInt());
    ByteBuffer out = x.out();
    int start = out.position();
    out.limit((int) Math.min(out.limit(), start + size));
    try {
      c.operations().readdir(x, x.node(), handle, cookie, plus, new DirectoryWriter(c, out, plus));
    } catch (FsException e) {
      if (out.position() == start) {
        throw e;
      }
    }
  }

  /** {@code struct fuse_release_in}: u64 fh, …. */
  static void releasedir(KernelConnection c, Exchange x) {
    c.operations().releasedir(x, x.node(), c.directoryHandle(x.in().getLong()));
  }

  /** {@code struct fuse_fsync_in}: u64 fh, u32 fsync_flags, pad. */
  static void fsyncdir(KernelConnection c, Exchange x) throws FsException {
    long handle = c.directoryHandle(x.in().getLong());
    boolean dataOnly = (x.in().getInt() & FSYNC_DATA_ONLY) != 0;
    c.operations().fsyncdir(x, x.node(), handle, dataOnly);
  }
}
