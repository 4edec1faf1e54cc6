package io.mapfs.fuse.direct;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.posix.Posix;
import java.nio.ByteBuffer;
import java.util.concurrent.ArrayBlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends notifications, in order, from a thread of its own: the kernel takes inode locks for them,
 * which a caller may hold whose request is still being served.
 */
final class Notifier implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Notifier.class);
  private static final int QUEUED_MAX = 1 << 16;
  private static final ByteBuffer END = ByteBuffer.allocate(0);

  private final FuseDevice device;
  private final ArrayBlockingQueue<ByteBuffer> queue = new ArrayBlockingQueue<>(QUEUED_MAX);
  private final Thread thread = new Thread(this::sendAll, "fuse-notifier");
  private volatile boolean closed;

  Notifier(FuseDevice device) {
    this.device = device;
    thread.setDaemon(true);
    thread.start();
  }

  /** Queues a sealed notification in a direct buffer; waits where too many are queued. */
  void send(ByteBuffer notification) {
    try {
      if (!closed) {
        queue.put(notification);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void sendAll() {
    try {
      while (true) {
        ByteBuffer notification = queue.take();
        if (!notification.hasRemaining()) {
          return;
        }
        long result =
            Posix.writeRaw(device.number(), Posix.address(notification), notification.remaining());
        // ENOENT: the kernel has nothing cached of it.
        if (result < 0 && result != -Errno.ENOENT.number() && !closed) {
          LOG.warn("a notification was refused with {}", Errno.of((int) -result));
        }
      }
    } catch (InterruptedException e) {
      // Closed with a full queue: what is left concerns a mount that has ended.
      Thread.currentThread().interrupt();
    }
  }

  /** Sends a sealed notification in a direct buffer at once. */
  static void write(FuseDevice device, ByteBuffer notification) {
    long result =
        Posix.writeRaw(device.number(), Posix.address(notification), notification.remaining());
    // ENOENT: the kernel has nothing cached of it. ENODEV, EBADF: the mount has ended.
    if (result < 0
        && result != -Errno.ENOENT.number()
        && result != -Errno.ENODEV.number()
        && result != -Errno.EBADF.number()) {
      LOG.warn("a notification was refused with {}", Errno.of((int) -result));
    }
  }

  /** Ends the thread; what is still queued may or may not be sent. */
  @Override
  public void close() {
    closed = true;
    if (!queue.offer(END)) {
      thread.interrupt();
    }
  }
}
