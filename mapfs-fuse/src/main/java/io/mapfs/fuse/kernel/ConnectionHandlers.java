package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.NodeId;
import java.nio.ByteBuffer;

/** Requests about the connection or the whole filesystem. */
final class ConnectionHandlers {
  private static final int FORGET_ONE_BYTES = 16;

  private ConnectionHandlers() {}

  static void init(KernelConnection c, Exchange x) throws FsException {
    ByteBuffer in = x.in();
    int at = in.position();
    int major = in.getInt(at + InitIn.MAJOR);
    if (major > KernelConnection.MAJOR) {
      // It asks again in our version (fuse.h, "Version negotiation").
      InitOut.put(x.out(), KernelConnection.MINOR_MAX, 0, 0, 0, 0);
      return;
    }
    c.agree(major, in.getInt(at + InitIn.MINOR), InitIn.flags(in, at));
    InitOut.put(
        x.out(),
        c.minor(),
        in.getInt(at + InitIn.READAHEAD_BYTES_MAX),
        c.flags(),
        KernelConnection.WRITE_BYTES_MAX,
        KernelConnection.PAGES_MAX);
  }

  static void destroy(KernelConnection c, Exchange x) {
    // The filesystem is closed by whoever opened it, once the mount has ended.
  }

  /** {@code struct fuse_forget_in}: u64 nlookup. */
  static void forget(KernelConnection c, Exchange x) {
    c.operations().forget(x.node(), x.in().getLong());
  }

  /** {@code struct fuse_batch_forget_in}: u32 count, pad; then {u64 nodeid, u64 nlookup} each. */
  static void batchForget(KernelConnection c, Exchange x) throws FsException {
    ByteBuffer in = x.in();
    int count = in.getInt();
    in.getInt();
    if (count < 0 || (long) count * FORGET_ONE_BYTES > in.remaining()) {
      throw new FsException(Errno.EINVAL, "BATCH_FORGET of " + count);
    }
    for (int i = 0; i < count; i++) {
      long node = in.getLong();
      c.operations().forget(node, in.getLong());
    }
  }

  /**
   * {@code struct fuse_interrupt_in}: u64 unique. Answered only where the request is unknown:
   * EAGAIN makes the kernel send the interrupt again if it still waits.
   */
  static void interrupt(KernelConnection c, Exchange x) throws FsException {
    long unique = x.in().getLong();
    if (!c.interrupts().interrupt(unique)) {
      throw new FsException(Errno.EAGAIN, "interrupt of " + unique);
    }
    x.noReply();
  }

  static void statfs(KernelConnection c, Exchange x) throws FsException {
    StatisticsOut.put(x.out(), c.operations().statfs(x));
  }

  /** The whole change prefix becomes durable, as with any fsync. */
  static void syncfs(KernelConnection c, Exchange x) throws FsException {
    c.operations().fsyncdir(x, NodeId.ROOT, FileSystemOperations.NO_HANDLE, false);
  }
}
