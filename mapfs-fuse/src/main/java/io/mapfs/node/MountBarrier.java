package io.mapfs.node;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.overlay.NoContext;
import io.mapfs.core.overlay.OverlayFileSystem;
import io.mapfs.fuse.MountedFileSystem;
import java.io.Closeable;
import java.io.IOException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the kernel hand over its dirty pages, and the overlay everything it holds: on demand
 * (snapshot, umount) and, the first half alone, every few seconds.
 *
 * <p>One barrier at a time; a second caller waits and then makes its own.
 */
final class MountBarrier implements Closeable {
  /** Longest time that written data stays in the kernel alone. */
  private static final long INTERVAL_MILLIS = 5_000;

  private static final Logger log = LoggerFactory.getLogger(MountBarrier.class);

  private final MountedFileSystem mount;
  private final OverlayFileSystem overlay;
  private final ReentrantLock running = new ReentrantLock();
  private final ScheduledThreadPoolExecutor timer =
      new ScheduledThreadPoolExecutor(
          1,
          task -> {
            Thread thread = new Thread(task, "mapfs-barrier");
            thread.setDaemon(true);
            return thread;
          });

  MountBarrier(MountedFileSystem mount, OverlayFileSystem overlay) {
    this.mount = mount;
    this.overlay = overlay;
  }

  /** Begins to fetch the kernel's dirty pages now and then. The mount is ready. */
  void start() {
    if (!mount.isWriteThrough()) {
      ScheduledFuture<?> unused =
          timer.scheduleWithFixedDelay(
              this::syncQuietly, INTERVAL_MILLIS, INTERVAL_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  /**
   * Returns when everything that programs wrote before the call is durable at the appliance.
   *
   * @return the last record's sequence
   */
  long await() throws IOException, InterruptedException {
    running.lockInterruptibly();
    try {
      if (!mount.hasEnded()) {
        mount.syncDirtyPages();
      }
      return overlay.barrier(NoContext.INSTANCE);
    } catch (FsException e) {
      throw new IOException(e.getMessage(), e);
    } finally {
      running.unlock();
    }
  }

  private void syncQuietly() {
    if (mount.hasEnded() || !running.tryLock()) {
      return;
    }
    try {
      mount.syncDirtyPages();
    } catch (IOException e) {
      log.warn("the kernel's dirty pages could not be fetched: {}", e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      // A scheduled task that throws is never run again.
      log.error("the periodic barrier failed", e);
    } finally {
      running.unlock();
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
