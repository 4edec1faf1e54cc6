package io.mapfs.it;

import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.fuse.FrontEnds;
import io.mapfs.fuse.MountException;
import io.mapfs.fuse.MountOptions;
import io.mapfs.fuse.MountedFileSystem;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;

/** A mounted disk whose power can be cut: {@link Platter} on the {@code direct} front end. */
final class PowerCutDisk implements AutoCloseable {
  private final Path mountPoint;
  private final Random random;
  private Platter platter = new Platter();
  private MountedFileSystem mount;

  PowerCutDisk(Path mountPoint, long seed) throws MountException, InterruptedException {
    this.mountPoint = mountPoint;
    this.random = new Random(seed);
    mount();
  }

  private void mount() throws MountException, InterruptedException {
    Platter served = platter;
    FileSystemOperations operations =
        (FileSystemOperations)
            Proxy.newProxyInstance(
                PowerCutDisk.class.getClassLoader(),
                new Class<?>[] {FileSystemOperations.class},
                (proxy, method, arguments) -> served.serve(method, arguments));
    mount =
        FrontEnds.named("direct").mount(operations, MountOptions.of(mountPoint, "powercut:disk"));
    mount.awaitReady(Duration.ofSeconds(30));
  }

  /** The disk as it is now. */
  Platter platter() {
    return platter;
  }

  /** Every call fails from now on; what was not synced is gone. */
  void cut() {
    platter.cut();
  }

  /** Mounts what the cut has left. Whoever used the disk before must have been killed. */
  void powerOn() throws FsException, MountException, IOException, InterruptedException {
    mount.close();
    platter = platter.left(random);
    mount();
  }

  @Override
  public void close() throws IOException {
    platter.cut();
    mount.close();
  }
}
