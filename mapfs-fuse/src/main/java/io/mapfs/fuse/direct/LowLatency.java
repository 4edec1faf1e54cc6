package io.mapfs.fuse.direct;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps idle processors from sleeping deeply while requests come thick and fast.
 *
 * <p>A request is two wakings: of the reader, and of the program that waits for the reply. Where
 * the processor sleeps meanwhile, each costs up to ten times what the request itself does, most of
 * all on virtual machines, where leaving the halt is the host's work. So while a burst lasts, this
 * asks the kernel for a latency of 0 (Documentation/power/pm_qos_interface.rst): idle processors
 * then poll. The kernel takes the wish back when the descriptor is closed, however the daemon ends.
 */
final class LowLatency implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LowLatency.class);
  private static final String DEVICE = "/dev/cpu_dma_latency";

  /** What the wish is counted in: microseconds, as a 32-bit number. */
  private static final int POLL = 0;

  /** PM_QOS_CPU_LATENCY_DEFAULT_VALUE: no wish. */
  private static final int NO_WISH = 2_000_000_000;

  private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

  /** Requests in one tick that make a burst. */
  private static final int BURST_REQUESTS = 4;

  /** Ticks without a burst after which the wish is taken back. */
  private static final int CALM_TICKS = 10;

  /** Ticks without a burst after which nothing is counted until the next request. */
  private static final int SLEEP_TICKS = 50;

  private final Descriptor device;
  private final Thread thread;
  private final ByteBuffer value =
      ByteBuffer.allocateDirect(Integer.BYTES).order(ByteOrder.nativeOrder());
  private final AtomicLong requests = new AtomicLong();
  private volatile boolean asleep;
  private volatile boolean closed;

  /** Without a device, all of this does nothing. */
  private LowLatency(Descriptor device) {
    this.device = device;
    this.thread = new Thread(this::run, "fuse-latency");
    thread.setDaemon(true);
  }

  /**
   * Starts. Where it is not wanted, or the kernel or the user's rights do not allow it, the
   * system's own setting rules.
   */
  static LowLatency start(boolean wanted) {
    Descriptor device = null;
    try {
      device = wanted ? Posix.open(DEVICE, OpenFlags.O_RDWR, 0) : null;
    } catch (FsException e) {
      LOG.info("idle processors sleep as the system has it: {}", e.getMessage());
    }
    LowLatency result = new LowLatency(device);
    if (device != null) {
      result.thread.start();
    }
    return result;
  }

  /** A request was taken. */
  void request() {
    requests.incrementAndGet();
    if (asleep) {
      LockSupport.unpark(thread);
    }
  }

  private void run() {
    long seen = requests.get();
    int calm = 0;
    boolean wished = false;
    while (!closed) {
      LockSupport.parkNanos(this, TICK_NANOS);
      long now = requests.get();
      calm = now - seen >= BURST_REQUESTS ? 0 : calm + 1;
      seen = now;
      if (wished != calm < CALM_TICKS) {
        wished = !wished;
        wish(wished ? POLL : NO_WISH);
      }
      if (calm >= SLEEP_TICKS) {
        asleep = true;
        if (requests.get() == now && !closed) {
          LockSupport.park(this);
        }
        asleep = false;
        calm = CALM_TICKS;
      }
    }
    device.close();
  }

  private void wish(int micros) {
    try {
      Posix.writeFully(device.number(), value.clear().putInt(0, micros));
    } catch (FsException e) {
      LOG.warn("{}: {}", DEVICE, e.getMessage());
    }
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
  }
}
