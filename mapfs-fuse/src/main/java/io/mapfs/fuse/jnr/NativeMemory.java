package io.mapfs.fuse.jnr;

import com.kenai.jffi.MemoryIO;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import java.nio.ByteBuffer;

/** libfuse's buffers, by address. */
final class NativeMemory {
  private static final MemoryIO MEMORY = MemoryIO.getInstance();

  private NativeMemory() {}

  /** The bytes of a C string. */
  static byte[] string(long address) {
    return MEMORY.getZeroTerminatedByteArray(address);
  }

  /** A C string as a name. */
  static Name name(long address) throws FsException {
    byte[] bytes = string(address);
    if (bytes.length == 0 || bytes.length > Name.MAX_BYTES) {
      throw new FsException(Errno.ENAMETOOLONG, "a name of " + bytes.length + " bytes");
    }
    return Name.of(bytes);
  }

  static byte[] bytes(long address, int length) {
    byte[] bytes = new byte[length];
    MEMORY.getByteArray(address, bytes, 0, length);
    return bytes;
  }

  static void put(long address, byte[] bytes, int length) {
    MEMORY.putByteArray(address, bytes, 0, length);
  }

  static void putByte(long address, byte value) {
    MEMORY.putByte(address, value);
  }

  static int getInt(long address) {
    return MEMORY.getInt(address);
  }

  static void putInt(long address, int value) {
    MEMORY.putInt(address, value);
  }

  static long getLong(long address) {
    return MEMORY.getLong(address);
  }

  static void putLong(long address, long value) {
    MEMORY.putLong(address, value);
  }

  /** The memory itself as a buffer: nothing is copied. Not to be used after the callback. */
  static ByteBuffer buffer(long address, long length) {
    return MEMORY.newDirectByteBuffer(address, Math.toIntExact(length));
  }

  /** New memory, zeroed. */
  static long allocate(long bytes) {
    return MEMORY.allocateMemory(bytes, true);
  }

  static void free(long address) {
    MEMORY.freeMemory(address);
  }

  /** A new C string. */
  static long newString(byte[] bytes) {
    long address = allocate(bytes.length + 1L);
    put(address, bytes, bytes.length);
    return address;
  }
}
