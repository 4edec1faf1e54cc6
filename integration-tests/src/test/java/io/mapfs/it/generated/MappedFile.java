package io.mapfs.it.generated;

import com.kenai.jffi.MemoryIO;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import io.mapfs.it.LinuxCalls;

/** A writable shared map of a file's start. Its descriptor stays open, for the file's length. */
final class MappedFile implements AutoCloseable {
  private final Descriptor file;
  private final long address;
  private final long bytes;

  private MappedFile(Descriptor file, long bytes) throws FsException {
    this.file = file;
    this.bytes = bytes;
    address = LinuxCalls.map(file.number(), bytes, true);
  }

  static MappedFile open(String path, long bytes) throws FsException {
    int flags = OpenFlags.O_RDWR | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK;
    Descriptor file = Posix.open(path, flags, 0);
    try {
      return new MappedFile(file, bytes);
    } catch (FsException e) {
      file.close();
      throw e;
    }
  }

  Descriptor file() {
    return file;
  }

  /** How many bytes can be touched now: behind the file's last page is nothing. */
  long touchable() throws FsException {
    return Math.min(bytes, Posix.status(file.number()).sizeBytes());
  }

  void store(long offset, long value) {
    MemoryIO.getInstance().putLong(address + offset, value);
  }

  long load(long offset) {
    return MemoryIO.getInstance().getLong(address + offset);
  }

  @Override
  public void close() {
    LinuxCalls.unmap(address, bytes);
    file.close();
  }
}
