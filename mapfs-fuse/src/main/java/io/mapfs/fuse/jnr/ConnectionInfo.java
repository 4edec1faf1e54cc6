package io.mapfs.fuse.jnr;

import io.mapfs.fuse.ConnectionFacts;
import java.util.HashSet;
import java.util.Set;

/**
 * {@code struct fuse_conn_info} of libfuse 2.9 (fuse_common.h), all 32-bit.
 *
 * <pre>
 *   0             4             8            12          16              20        24
 *  +-------------+-------------+------------+-----------+---------------+---------+------+
 *  | proto_major | proto_minor | async_read | max_write | max_readahead | capable | want |
 *  +-------------+-------------+------------+-----------+---------------+---------+------+
 * </pre>
 */
final class ConnectionInfo {
  private static final int MAJOR = 0;
  private static final int MINOR = 4;
  private static final int ASYNC_READ = 8;
  private static final int MAX_WRITE = 12;
  private static final int CAPABLE = 20;
  private static final int WANT = 24;

  /** FUSE_CAP_BIG_WRITES: more than a page a WRITE. */
  private static final int BIG_WRITES = 1 << 5;

  /** FUSE_CAP_DONT_MASK: the filesystem applies the umask, or the default ACL instead of it. */
  private static final int DONT_MASK = 1 << 6;

  /** What libfuse 2.9 speaks at most (FUSE_KERNEL_MINOR_VERSION of its fuse_kernel.h). */
  private static final int LIBRARY_MINOR = 19;

  private ConnectionInfo() {}

  /**
   * Asks for the features that this front end serves, as far as the kernel has them. Not for
   * FUSE_CAP_ATOMIC_O_TRUNC: with it nobody would clear setuid, because the kernel leaves that to a
   * truncation of its own and libfuse 2 cannot ask the filesystem for it.
   */
  static ConnectionFacts agree(long address) {
    int wanted = NativeMemory.getInt(address + CAPABLE) & (BIG_WRITES | DONT_MASK);
    NativeMemory.putInt(address + WANT, NativeMemory.getInt(address + WANT) | wanted);
    Set<String> features = new HashSet<>();
    add(features, wanted, BIG_WRITES, "BIG_WRITES");
    add(features, wanted, DONT_MASK, "DONT_MASK");
    add(features, NativeMemory.getInt(address + ASYNC_READ), 1, "ASYNC_READ");
    return new ConnectionFacts(
        "jnr",
        NativeMemory.getInt(address + MAJOR),
        Math.min(NativeMemory.getInt(address + MINOR), LIBRARY_MINOR),
        NativeMemory.getInt(address + MAX_WRITE),
        features);
  }

  private static void add(Set<String> features, int bits, int bit, String name) {
    if ((bits & bit) != 0) {
      features.add(name);
    }
  }
}
