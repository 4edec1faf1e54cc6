package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.Errno;
import io.mapfs.fuse.kernel.Interrupts;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The event loop of a libfuse session (fuse_loop_mt), on threads of our own: their number follows
 * that of the requests being served, up to a bound, and each sees a request before libfuse does.
 */
final class Workers {
  private static final Logger LOG = LoggerFactory.getLogger(Workers.class);

  /** How many may wait for requests; more end. */
  private static final int IDLE_MAX = 4;

  // struct fuse_buf: size_t size; int flags; void *mem; int fd; off_t pos.
  private static final int BUF_SIZE = 0;
  private static final int BUF_FLAGS = 8;
  private static final int BUF_MEMORY = 16;
  private static final int BUF_BYTES = 40;

  private final LibFuse2 library;
  private final long session;
  private final long channel;
  private final long bufferBytes;
  private final int threadsMax;
  private final Runnable onInit;
  private final Runnable onEnd;
  private final Interrupts interrupts = new Interrupts();
  private final AtomicInteger threads = new AtomicInteger();
  private final AtomicInteger idle = new AtomicInteger();
  private final AtomicInteger names = new AtomicInteger();
  private volatile boolean ending;

  /**
   * @param onInit run by a worker when the kernel has the answer to INIT
   * @param onEnd run once, by the last worker
   */
  Workers(
      LibFuse2 library,
      long session,
      long channel,
      int threadsMax,
      Runnable onInit,
      Runnable onEnd) {
    this.library = library;
    this.session = session;
    this.channel = channel;
    this.bufferBytes = library.fuse_chan_bufsize(channel);
    this.threadsMax = threadsMax;
    this.onInit = onInit;
    this.onEnd = onEnd;
  }

  /** Starts the first worker. */
  void start() {
    threads.incrementAndGet();
    startThread();
  }

  private void startThread() {
    new Worker(this::work, "fuse-worker-" + names.incrementAndGet()).start();
  }

  private void startAnother() {
    if (threads.incrementAndGet() > threadsMax || ending) {
      threads.decrementAndGet();
      return;
    }
    try {
      startThread();
    } catch (OutOfMemoryError e) {
      // Fewer threads than there could be: slower, but every request is still served.
      threads.decrementAndGet();
      LOG.warn("cannot start another worker: {}", e.getMessage());
    }
  }

  private void work() {
    Request request = Worker.request();
    interrupts.add(request.interruption());
    // One allocation: the request's memory, then struct fuse_buf, then the channel's address.
    long memory = NativeMemory.allocate(bufferBytes + BUF_BYTES + Long.BYTES);
    try {
      serveAll(request, memory);
    } finally {
      NativeMemory.free(memory);
      interrupts.remove(request.interruption());
      if (threads.decrementAndGet() == 0) {
        onEnd.run();
      }
    }
  }

  private void serveAll(Request request, long memory) {
    long buffer = memory + bufferBytes;
    long channelPointer = buffer + BUF_BYTES;
    while (library.fuse_session_exited(session) == 0) {
      if (idle.incrementAndGet() > IDLE_MAX) {
        idle.decrementAndGet();
        return;
      }
      NativeMemory.putLong(buffer + BUF_SIZE, bufferBytes);
      NativeMemory.putInt(buffer + BUF_FLAGS, 0);
      NativeMemory.putLong(buffer + BUF_MEMORY, memory);
      NativeMemory.putLong(channelPointer, channel);
      int got = library.fuse_session_receive_buf(session, buffer, channelPointer);
      boolean lastIdle = idle.decrementAndGet() == 0;
      if (got == -Errno.EINTR.number() || got == -Errno.EAGAIN.number()) {
        continue;
      }
      if (got <= 0) {
        ending = true;
        if (got < 0) {
          LOG.error("libfuse cannot read requests: {}", Errno.of(-got));
          library.fuse_session_exit(session);
        }
        return;
      }
      if (lastIdle) {
        startAnother();
      }
      serve(request, memory, buffer);
    }
    ending = true;
  }

  private void serve(Request request, long memory, long buffer) {
    request.begin(memory);
    try {
      if (request.opcode() == Request.INTERRUPT) {
        // libfuse would only note it down. No answer is due.
        interrupts.interrupt(request.interruptTarget());
        return;
      }
      interrupts.begun(request.interruption(), request.unique());
      boolean isInit = request.opcode() == Request.INIT;
      library.fuse_session_process_buf(session, buffer, channel);
      if (isInit) {
        onInit.run();
      }
    } finally {
      request.end();
    }
  }
}
