package io.mapfs.fuse.direct;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** An open /dev/fuse: the mount's own, or a clone of it with a queue of requests of its own. */
final class FuseDevice implements AutoCloseable {
  static final String PATH = "/dev/fuse";

  /** FUSE_DEV_IOC_CLONE: _IOR(229, 0, uint32_t). */
  private static final long IOC_CLONE = 0x8004e500L;

  private final Descriptor descriptor;

  private FuseDevice(Descriptor descriptor) {
    this.descriptor = descriptor;
  }

  static FuseDevice open() throws FsException {
    return new FuseDevice(Posix.open(PATH, OpenFlags.O_RDWR, 0));
  }

  /** Opens the device once more, on the same connection, which must be mounted. */
  FuseDevice cloneDevice() throws FsException {
    FuseDevice clone = open();
    ByteBuffer source = ByteBuffer.allocateDirect(4).order(ByteOrder.nativeOrder());
    source.putInt(0, number());
    int result = Posix.ioctlRaw(clone.number(), IOC_CLONE, Posix.address(source));
    if (result < 0) {
      clone.close();
      throw new FsException(Errno.of(-result), "cannot clone " + PATH);
    }
    return clone;
  }

  int number() {
    return descriptor.number();
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
