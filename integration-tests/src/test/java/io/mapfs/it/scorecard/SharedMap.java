package io.mapfs.it.scorecard;

import com.kenai.jffi.MemoryIO;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.it.LinuxCalls;

/**
 * A shared map of a file's first page; the file itself is closed. Unlike Java's own maps it is gone
 * when it is closed, so that the filesystem can be unmounted.
 */
final class SharedMap implements AutoCloseable {
  private static final long BYTES = 4096;

  private final long address;

  private SharedMap(Descriptor file, boolean writable) throws FsException {
    address = LinuxCalls.map(file.number(), BYTES, writable);
  }

  static SharedMap forReading(Scene scene, String name) throws FsException {
    try (Descriptor file = scene.open(name, OpenFlags.O_RDONLY)) {
      return new SharedMap(file, false);
    }
  }

  static SharedMap forWriting(Scene scene, String name) throws FsException {
    try (Descriptor file = scene.open(name, OpenFlags.O_RDWR)) {
      return new SharedMap(file, true);
    }
  }

  /** The file's first character. */
  char first() {
    return (char) MemoryIO.getInstance().getByte(address);
  }

  void setFirst(char character) {
    MemoryIO.getInstance().putByte(address, (byte) character);
  }

  @Override
  public void close() {
    LinuxCalls.unmap(address, BYTES);
  }
}
