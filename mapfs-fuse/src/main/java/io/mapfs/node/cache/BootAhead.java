package io.mapfs.node.cache;

import io.mapfs.core.block.ReadScope;
import io.mapfs.core.tree.BootOrder;
import io.mapfs.core.tree.RepositoryTree;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the blocks that an earlier boot of the same master read fetched in that boot's order, ahead
 * of this one's reads, and keeps this boot's order for the next where it differs.
 *
 * <p>One thread, which ends with the window or at {@link #close}. What it fetches gives way to what
 * is waited for ({@link Prefetcher}); whatever fails costs nothing but the head start.
 */
public final class BootAhead implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(BootAhead.class);

  /** Hints given at a time, or up to twice as many. */
  private static final int HINTS = 64;

  /** Before a full queue is offered more. */
  private static final long PAUSE_MILLIS = 10;

  /** An order is kept if one block in so many is not in the one before. */
  private static final int DIFFERENCE = 8;

  private final BootOrders orders;
  private final RepositoryTree tree;
  private final Prefetcher cache;
  private final BootRecorder recorder;
  private final Duration window;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread thread;

  private BootAhead(
      BootOrders orders,
      RepositoryTree tree,
      Prefetcher cache,
      BootRecorder recorder,
      Duration window) {
    this.orders = orders;
    this.tree = tree;
    this.cache = cache;
    this.recorder = recorder;
    this.window = window;
    this.thread = new Thread(this::run, "mapfs-boot-ahead");
    thread.setDaemon(true);
  }

  /**
   * Begins.
   *
   * @param recorder hears this boot's reads from its first on
   * @param window how long a boot is at most
   */
  public static BootAhead start(
      BootOrders orders,
      RepositoryTree tree,
      Prefetcher cache,
      BootRecorder recorder,
      Duration window) {
    BootAhead ahead = new BootAhead(orders, tree, cache, recorder, window);
    ahead.thread.start();
    return ahead;
  }

  private void run() {
    long end = System.nanoTime() + window.toNanos();
    try {
      BootOrder before = orders.get();
      boolean goesOn = before == null || stream(before, end);
      if (!goesOn || closed.await(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
        return;
      }
      BootOrder now = recorder.end();
      if (isNews(now, before)) {
        orders.put(now);
      }
    } catch (IOException e) {
      LOG.debug("the order of boots is not to be had: {}", e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      recorder.end();
    }
  }

  /** Returns false if it was closed meanwhile. */
  private boolean stream(BootOrder order, long end) throws InterruptedException {
    ReadScope scope = new ReadScope.Version(tree.master(), tree.version());
    List<BlockHint> hints = new ArrayList<>();
    for (BootOrder.Run run : order.runs()) {
      int slot = tree.slotOf(run.ino());
      int blocks = slot < 0 ? 0 : tree.blockCount(slot);
      long runEnd = Math.min(blocks, (long) run.firstBlock() + run.blockCount());
      for (int first = run.firstBlock(); first < runEnd; first += HINTS) {
        int last = (int) Math.min(runEnd, (long) first + HINTS) - 1;
        hints.addAll(ReadAhead.range(tree, slot, first, last));
        if (hints.size() >= HINTS && !offer(scope, hints, end)) {
          return false;
        }
      }
    }
    return offer(scope, hints, end);
  }

  private boolean offer(ReadScope scope, List<BlockHint> hints, long end)
      throws InterruptedException {
    int heard = 0;
    while (System.nanoTime() < end) {
      heard += cache.prefetch(scope, hints.subList(heard, hints.size()));
      if (heard == hints.size()) {
        break;
      }
      if (closed.await(PAUSE_MILLIS, TimeUnit.MILLISECONDS)) {
        return false;
      }
    }
    hints.clear();
    return closed.getCount() > 0;
  }

  private static boolean isNews(BootOrder now, BootOrder before) {
    if (now.runs().isEmpty()) {
      return false;
    }
    if (before == null) {
      return true;
    }
    Set<Long> files = new HashSet<>();
    before.runs().forEach(run -> files.add(run.ino()));
    long all = 0;
    long others = 0;
    for (BootOrder.Run run : now.runs()) {
      all += run.blockCount();
      others += files.contains(run.ino()) ? 0 : run.blockCount();
    }
    return others * DIFFERENCE >= all;
  }

  /** Waits until the boot is over. */
  void awaitEnd() throws InterruptedException {
    thread.join();
  }

  /** Ends it and waits for the thread. */
  @Override
  public void close() {
    closed.countDown();
    thread.interrupt();
    try {
      awaitEnd();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
