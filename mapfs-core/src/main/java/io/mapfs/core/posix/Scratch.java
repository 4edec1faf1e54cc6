package io.mapfs.core.posix;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A thread's native memory for arguments and results of one call:
 *
 * <pre>
 *      0  first path     (PATH_MAX)
 *   4096  second path    (PATH_MAX)
 *   8192  data           (64 KiB: the longest xattr value or list)
 * </pre>
 */
final class Scratch {
  /** PATH_MAX, the terminating NUL included. */
  static final int PATH_BYTES = 4096;

  /** XATTR_SIZE_MAX and XATTR_LIST_MAX. */
  static final int DATA_BYTES = 65536;

  private static final int DATA_OFFSET = 2 * PATH_BYTES;
  private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

  private final ByteBuffer memory =
      ByteBuffer.allocateDirect(DATA_OFFSET + DATA_BYTES).order(ByteOrder.nativeOrder());
  private final long address = Posix.address(memory);
  private final ByteBuffer data =
      memory.slice(DATA_OFFSET, DATA_BYTES).order(ByteOrder.nativeOrder());

  private Scratch() {}

  static Scratch get() {
    return OF_THREAD.get();
  }

  /** Puts a path into the first place and returns its address. */
  long path(byte[] path) throws FsException {
    return put(0, path);
  }

  /** Puts a path into the second place and returns its address. */
  long secondPath(byte[] path) throws FsException {
    return put(PATH_BYTES, path);
  }

  /** The data area. Its position and limit mean nothing between calls. */
  ByteBuffer data() {
    return data;
  }

  long dataAddress() {
    return address + DATA_OFFSET;
  }

  /** A copy of the first bytes of the data area. */
  byte[] copyData(int length) {
    byte[] copy = new byte[length];
    data.get(0, copy);
    return copy;
  }

  /** Puts bytes into the data area at an offset and ends them with NUL; returns their address. */
  long dataString(int offset, byte[] bytes) throws FsException {
    check(bytes, DATA_BYTES - offset);
    data.put(offset, bytes).put(offset + bytes.length, (byte) 0);
    return dataAddress() + offset;
  }

  private long put(int offset, byte[] path) throws FsException {
    check(path, PATH_BYTES);
    memory.put(offset, path).put(offset + path.length, (byte) 0);
    return address + offset;
  }

  private static void check(byte[] path, int room) throws FsException {
    if (path.length >= room) {
      throw new FsException(Errno.ENAMETOOLONG, Posix.printable(path));
    }
    for (byte b : path) {
      if (b == 0) {
        throw new FsException(Errno.EINVAL, "NUL in " + Posix.printable(path));
      }
    }
  }
}
