package io.mapfs.fuse.direct;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Posix;
import io.mapfs.fuse.FrontEnd;
import io.mapfs.fuse.KernelMount;
import io.mapfs.fuse.MountException;
import io.mapfs.fuse.MountOptions;
import io.mapfs.fuse.MountPoint;
import io.mapfs.fuse.MountedFileSystem;
import io.mapfs.fuse.kernel.KernelConnection;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Mounts by opening /dev/fuse and calling mount(2), as root. */
public final class DirectFrontEnd implements FrontEnd {
  private static final int PREFERENCE = 100;

  @Override
  public String name() {
    return "direct";
  }

  @Override
  public int preference() {
    return PREFERENCE;
  }

  @Override
  public Optional<String> unavailable() {
    if (Posix.effectiveUid() != 0) {
      return Optional.of("mounting needs root");
    }
    try (FuseDevice device = FuseDevice.open()) {
      return Optional.empty();
    } catch (FsException e) {
      return Optional.of(FuseDevice.PATH + " cannot be opened (" + e.errno() + "): modprobe fuse");
    }
  }

  @Override
  public MountedFileSystem mount(FileSystemOperations operations, MountOptions options)
      throws MountException {
    Path mountPoint = MountPoint.prepare(options.mountPoint());
    FuseDevice device;
    try {
      device = FuseDevice.open();
    } catch (FsException e) {
      throw new MountException("cannot open " + FuseDevice.PATH + ": " + e.errno(), e);
    }
    try {
      mount(device, mountPoint, options);
    } catch (FsException e) {
      device.close();
      String hint = e.errno() == Errno.EPERM ? ": mounting needs root" : "";
      throw new MountException("cannot mount at " + mountPoint + ": " + e.errno() + hint, e);
    }
    try {
      KernelMount mount = KernelMount.at(mountPoint);
      MountCache cache = new MountCache(device, options.syncDeadline());
      cache.mounted(mount);
      KernelConnection connection =
          new KernelConnection(operations, options.readOnly(), options.threadsMax(), cache);
      DirectMount mounted = new DirectMount(options, mount, connection, cache, device);
      mounted.start();
      return mounted;
    } catch (IOException e) {
      // Closing the device aborts the connection, so that nothing waits for the mount any more.
      device.close();
      unmountAborted(mountPoint);
      throw new MountException("cannot serve " + mountPoint + ": " + e.getMessage(), e);
    }
  }

  private static void mount(FuseDevice device, Path mountPoint, MountOptions options)
      throws FsException {
    String data =
        "fd="
            + device.number()
            + ",rootmode=40000,user_id=0,group_id=0,default_permissions,max_read="
            + KernelConnection.WRITE_BYTES_MAX
            + (options.allowOther() ? ",allow_other" : "");
    Posix.mount(
        options.source(),
        Posix.bytes(mountPoint.toString()),
        MountPoint.TYPE,
        options.readOnly() ? Posix.MS_RDONLY : 0,
        data);
  }

  private static void unmountAborted(Path mountPoint) {
    try {
      Posix.unmount(Posix.bytes(mountPoint.toString()), Posix.MNT_DETACH);
    } catch (FsException e) {
      // It was not mounted any more.
    }
  }
}
