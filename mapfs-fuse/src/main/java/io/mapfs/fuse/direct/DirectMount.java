package io.mapfs.fuse.direct;

import io.mapfs.core.fs.Name;
import io.mapfs.fuse.ConnectionFacts;
import io.mapfs.fuse.KernelMount;
import io.mapfs.fuse.MountException;
import io.mapfs.fuse.MountOptions;
import io.mapfs.fuse.MountedFileSystem;
import io.mapfs.fuse.kernel.KernelConnection;
import io.mapfs.fuse.kernel.Notification;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A mount of the direct front end: owns the device, the readers and everything beside them. */
final class DirectMount implements MountedFileSystem {
  private static final Logger LOG = LoggerFactory.getLogger(DirectMount.class);

  /**
   * An fsync's own pages are queued behind those that the kernel is handing over: half as many of
   * the largest requests as may be under way at a time, so that they are at the daemon at once.
   */
  private static final long DIRTY_BYTES_MAX =
      (long) KernelConnection.BACKGROUND_MAX / 2 * KernelConnection.WRITE_BYTES_MAX;

  private final MountOptions options;
  private final KernelMount mount;
  private final KernelConnection connection;
  private final MountCache cache;
  private final FuseDevice device;
  private final Notifier notifier;
  private final LowLatency latency;
  private final CountDownLatch ready = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);

  /** Takes the device over, on which the filesystem of that number has just been mounted. */
  DirectMount(
      MountOptions options,
      KernelMount mount,
      KernelConnection connection,
      MountCache cache,
      FuseDevice device) {
    this.options = options;
    this.mount = mount;
    this.connection = connection;
    this.cache = cache;
    this.device = device;
    this.notifier = new Notifier(device);
    this.latency = LowLatency.start(options.idlePolling());
  }

  /** Starts to serve. */
  void start() {
    new Readers(connection, device, latency, options.threadsMax(), this::onReady, this::onEnd)
        .start();
  }

  private void onReady() {
    // The kernel lowers the readahead when it takes the answer to INIT, so it is raised after it.
    mount.setReadAhead(options.readAheadKib());
    mount.setDirtyBytesMax(DIRTY_BYTES_MAX);
    ready.countDown();
  }

  private void onEnd() {
    notifier.close();
    cache.close();
    latency.close();
    device.close();
    ended.countDown();
    ready.countDown();
    LOG.info("{} at {} has ended", options.source(), mount.mountPoint());
  }

  @Override
  public Path mountPoint() {
    return mount.mountPoint();
  }

  @Override
  public ConnectionFacts awaitReady(Duration limit) throws MountException, InterruptedException {
    boolean answered = ready.await(limit.toMillis(), TimeUnit.MILLISECONDS);
    if (connection.ready().isCompletedExceptionally()) {
      throw new MountException(connection.ready().handle((facts, e) -> e.getMessage()).join());
    }
    if (!answered || hasEnded() || !connection.ready().isDone()) {
      throw new MountException(
          mountPoint() + (hasEnded() ? " was unmounted again" : " is not ready within " + limit));
    }
    return connection.ready().join();
  }

  @Override
  public Unmounted unmount() throws IOException {
    if (hasEnded()) {
      return Unmounted.ALREADY;
    }
    return mount.unmount(options.syncDeadline());
  }

  @Override
  public void awaitEnd() throws InterruptedException {
    ended.await();
  }

  @Override
  public boolean hasEnded() {
    return ended.getCount() == 0;
  }

  @Override
  public void invalidateInode(long node, long offsetBytes, long lengthBytes) {
    notifier.send(Notification.invalidateInode(node, offsetBytes, lengthBytes));
  }

  @Override
  public void invalidateEntry(long parent, Name name) {
    notifier.send(Notification.invalidateEntry(parent, name));
  }

  @Override
  public void syncDirtyPages() throws IOException, InterruptedException {
    if (!isWriteThrough() && !hasEnded()) {
      cache.sync(connection.writableNodes());
    }
  }

  @Override
  public boolean isWriteThrough() {
    return !connection.hasWritebackCache();
  }

  @Override
  public void close() throws IOException {
    if (unmount() != Unmounted.LAZY) {
      try {
        awaitEnd();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
