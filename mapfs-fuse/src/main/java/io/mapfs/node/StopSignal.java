package io.mapfs.node;

import io.mapfs.fuse.MountedFileSystem;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the daemon does on SIGTERM and SIGINT: hands over what programs have written, unmounts, and
 * lets the process live until the mount has ended as it does after an umount.
 *
 * <p>The hand-over comes before the unmount: whoever sent the signal may kill the process a little
 * later, and a mount that programs still use is only taken out of the tree of names. Where they use
 * it to the last, what they wrote meanwhile is handed over too before the process ends.
 */
final class StopSignal {
  /** Longest time that a signal waits for the mount's last users. */
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private static final Logger log = LoggerFactory.getLogger(StopSignal.class);

  private final MountedFileSystem mount;
  private final MountBarrier barrier;
  private final CountDownLatch finished;

  private StopSignal(MountedFileSystem mount, MountBarrier barrier, CountDownLatch finished) {
    this.mount = mount;
    this.barrier = barrier;
    this.finished = finished;
  }

  /**
   * Listens from now on.
   *
   * @param finished counted down when the daemon has nothing left to do
   */
  static void await(MountedFileSystem mount, MountBarrier barrier, CountDownLatch finished) {
    StopSignal signal = new StopSignal(mount, barrier, finished);
    Thread hook = new Thread(signal::stop, "mapfs-stop");
    try {
      Runtime.getRuntime().addShutdownHook(hook);
    } catch (IllegalStateException e) {
      log.debug("already shutting down", e);
      hook.start();
    }
  }

  private void stop() {
    try {
      if (finished.getCount() == 0) {
        return;
      }
      handOver();
      mount.unmount();
      if (!finished.await(LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
        handOver();
        log.warn("stopped before the mount's last users went away");
      }
    } catch (IOException e) {
      log.warn("cannot unmount: {}", e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void handOver() throws InterruptedException {
    try {
      barrier.await();
    } catch (IOException e) {
      log.warn("not everything reached the appliance yet: {}", e.getMessage());
    }
  }
}
