package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.fuse.FrontEnd;
import io.mapfs.fuse.MountException;
import io.mapfs.fuse.MountOptions;
import io.mapfs.fuse.MountPoint;
import io.mapfs.fuse.MountedFileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Mounts through libfuse 2, as root or by its helper fusermount. */
public final class JnrFrontEnd implements FrontEnd {
  private static final int PREFERENCE = 10;
  private static final Path DEVICE = Path.of("/dev/fuse");

  @Override
  public String name() {
    return "jnr";
  }

  @Override
  public int preference() {
    return PREFERENCE;
  }

  @Override
  public Optional<String> unavailable() {
    if (!Files.isReadable(DEVICE) || !Files.isWritable(DEVICE)) {
      return Optional.of(DEVICE + " cannot be opened: modprobe fuse");
    }
    return Optional.ofNullable(LibFuse2Library.fault());
  }

  @Override
  public MountedFileSystem mount(FileSystemOperations operations, MountOptions options)
      throws MountException {
    Optional<String> fault = unavailable();
    if (fault.isPresent()) {
      throw new MountException("cannot mount with libfuse: " + fault.get());
    }
    Path mountPoint = MountPoint.prepare(options.mountPoint());
    return JnrMount.start(LibFuse2Library.get(), operations, options, mountPoint);
  }
}
