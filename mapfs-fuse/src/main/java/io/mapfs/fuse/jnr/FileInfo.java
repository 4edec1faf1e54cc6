package io.mapfs.fuse.jnr;

/**
 * {@code struct fuse_file_info} of libfuse 2.9 on 64-bit machines (fuse_common.h).
 *
 * <pre>
 *   0       4     8        16          20     24   32           40
 *  +-------+-----+--------+-----------+------+----+------------+
 *  | flags | pad | fh_old | writepage | bits | fh | lock_owner |
 *  +-------+-----+--------+-----------+------+----+------------+
 * </pre>
 *
 * jnr-fuse's FuseFileInfo has no access to the bits.
 */
final class FileInfo {
  private static final int FLAGS = 0;
  private static final int BITS = 20;
  private static final int HANDLE = 24;
  private static final int KEEP_CACHE = 1 << 1;

  private FileInfo() {}

  /** Flags of open(2). */
  static int flags(long address) {
    return NativeMemory.getInt(address + FLAGS);
  }

  static long handle(long address) {
    return NativeMemory.getLong(address + HANDLE);
  }

  static void setHandle(long address, long handle) {
    NativeMemory.putLong(address + HANDLE, handle);
  }

  /** Has the kernel keep the pages that it has of the file. */
  static void setKeepCache(long address) {
    NativeMemory.putInt(address + BITS, NativeMemory.getInt(address + BITS) | KEEP_CACHE);
  }
}
