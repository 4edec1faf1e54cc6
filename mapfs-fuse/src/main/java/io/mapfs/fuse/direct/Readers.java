package io.mapfs.fuse.direct;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Posix;
import io.mapfs.fuse.kernel.Exchange;
import io.mapfs.fuse.kernel.KernelConnection;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that read requests, serve them and write the replies.
 *
 * <p>A thread that takes a request and leaves no other waiting for the next one calls in another,
 * up to the bound. One that comes back where enough others wait steps aside for a while, and then
 * ends. So the number of threads follows the number of requests that are being served, as in
 * libfuse's fuse_loop_mt; few wait at the device, because the kernel wakes them in turn and each
 * has caches of its own to warm.
 */
final class Readers {
  private static final Logger LOG = LoggerFactory.getLogger(Readers.class);

  /** How many may wait for requests; more step aside. */
  private static final int IDLE_MAX = 2;

  /** How long one that stepped aside may be called in again. */
  private static final int ASIDE_SECONDS = 10;

  private final KernelConnection connection;
  private final FuseDevice device;
  private final LowLatency latency;
  private final int threadsMax;
  private final Runnable onReady;
  private final Runnable onEnd;
  private final AtomicInteger threads = new AtomicInteger();
  private final AtomicInteger idle = new AtomicInteger();

  /** Those who stepped aside and have not been called. Whoever lowers it owes a call. */
  private final AtomicInteger aside = new AtomicInteger();

  private final Semaphore calls = new Semaphore(0);
  private final AtomicInteger names = new AtomicInteger();
  private volatile boolean ending;

  /**
   * @param onReady run once, by a reader, when the kernel has the answer to INIT
   * @param onEnd run once, by the last reader
   */
  Readers(
      KernelConnection connection,
      FuseDevice device,
      LowLatency latency,
      int threadsMax,
      Runnable onReady,
      Runnable onEnd) {
    this.connection = connection;
    this.device = device;
    this.latency = latency;
    this.threadsMax = threadsMax;
    this.onReady = onReady;
    this.onEnd = onEnd;
  }

  /** Starts the first reader, on the mount's own device. */
  void start() {
    threads.incrementAndGet();
    thread(() -> read(device)).start();
  }

  private Thread thread(Runnable body) {
    Thread thread = new Thread(body, "fuse-reader-" + names.incrementAndGet());
    thread.setDaemon(true);
    return thread;
  }

  private void callAnother() {
    if (takeAside()) {
      calls.release();
      return;
    }
    if (threads.incrementAndGet() > threadsMax || ending) {
      threads.decrementAndGet();
      return;
    }
    try {
      FuseDevice clone = device.cloneDevice();
      thread(() -> readClone(clone)).start();
    } catch (FsException | OutOfMemoryError e) {
      // Fewer threads than there could be: slower, but every request is still served.
      threads.decrementAndGet();
      LOG.warn("cannot start another reader: {}", e.getMessage());
    }
  }

  /** Takes one of those aside off their number; it then waits for a call, and nothing else. */
  private boolean takeAside() {
    return aside.getAndUpdate(count -> Math.max(0, count - 1)) > 0;
  }

  /** Waits until called; false if the thread is to end. */
  private boolean stepAside() {
    aside.incrementAndGet();
    try {
      if (!ending && calls.tryAcquire(ASIDE_SECONDS, TimeUnit.SECONDS)) {
        return !ending;
      }
      if (!takeAside()) {
        // Somebody has counted on this thread meanwhile.
        calls.acquire();
        return !ending;
      }
    } catch (InterruptedException e) {
      // Nobody interrupts a reader; it would end, as one that is not called does.
      Thread.currentThread().interrupt();
    }
    return false;
  }

  private void endAll() {
    ending = true;
    while (takeAside()) {
      calls.release();
    }
  }

  private void readClone(FuseDevice clone) {
    try (clone) {
      read(clone);
    }
  }

  private void read(FuseDevice from) {
    try {
      Exchange exchange = connection.newExchange();
      try {
        serveAll(from, exchange);
      } finally {
        connection.discard(exchange);
      }
    } catch (OutOfMemoryError e) {
      LOG.warn("a reader ends: {}", e.getMessage());
    } finally {
      if (threads.decrementAndGet() == 0) {
        onEnd.run();
      }
    }
  }

  private void serveAll(FuseDevice from, Exchange exchange) {
    int number = from.number();
    long requestAddress = Posix.address(exchange.requestBuffer());
    while (true) {
      if (idle.incrementAndGet() > IDLE_MAX && from != device) {
        // Those who were counted before may have taken requests meanwhile, and have called nobody
        // because this one was counted too.
        if (idle.decrementAndGet() >= IDLE_MAX && !stepAside()) {
          return;
        }
        continue;
      }
      exchange.requestBuffer();
      long got = Posix.readRaw(number, requestAddress, Exchange.REQUEST_BYTES_MAX);
      boolean lastIdle = idle.decrementAndGet() == 0;
      latency.request();
      if (got <= 0) {
        if (isPassing((int) -got)) {
          continue;
        }
        endAll();
        if (got != -Errno.ENODEV.number()) {
          LOG.error("{}: reading failed with {}", FuseDevice.PATH, Errno.of((int) -got));
        }
        return;
      }
      if (lastIdle) {
        callAnother();
      }
      boolean starts = !connection.ready().isDone();
      if (connection.serve(exchange, (int) got)) {
        reply(number, exchange);
      }
      if (starts && connection.ready().isDone()) {
        onReady.run();
      }
    }
  }

  /** ENOENT: the request was interrupted before it was read. */
  private static boolean isPassing(int error) {
    return error == Errno.EINTR.number()
        || error == Errno.EAGAIN.number()
        || error == Errno.ENOENT.number();
  }

  private static void reply(int number, Exchange exchange) {
    long error = write(number, exchange);
    if (error == Errno.ENOENT.number() || error == Errno.ENODEV.number() || error == 0) {
      // ENOENT: nobody waits for it any more (the connection is being aborted).
      return;
    }
    LOG.error("the kernel refused a reply with {}; answering EIO", Errno.of((int) error));
    exchange.replaceReply(Errno.EIO);
    write(number, exchange);
  }

  private static long write(int number, Exchange exchange) {
    long result;
    do {
      result =
          Posix.writeRaw(number, Posix.address(exchange.reply()), exchange.reply().remaining());
    } while (result == -Errno.EINTR.number());
    return result < 0 ? -result : 0;
  }
}
