package io.mapfs.node.cache;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Takes fetched blocks to disk, on a thread of its own. The queue is bounded in bytes: a block that
 * finds it full is not written, and is fetched again when it has left memory.
 */
final class WriteBehind {
  /** Blocks handed to the disk at once. */
  private static final int BATCH_MAX = 64;

  /** Less than this waits a moment for more: a write and a wake-up for each block cost as much. */
  private static final int GATHER_BYTES = 512 << 10;

  private static final long GATHER_NANOS = 10_000_000;

  private final SegmentStore store;
  private final CacheCounters counters;
  private final int limitBytes;
  private final Runnable onDrained;
  private final Thread thread;

  // Guarded by this, all of these.
  private final ArrayDeque<VerifiedBlock> queue = new ArrayDeque<>();
  private long queuedBytes;
  private boolean writing;
  private boolean closed;

  /**
   * @param onDrained run on the writer's thread, without locks, whenever the queue leaves {@link
   *     #isBehind}
   */
  WriteBehind(SegmentStore store, CacheCounters counters, int limitBytes, Runnable onDrained) {
    this.store = store;
    this.counters = counters;
    this.limitBytes = limitBytes;
    this.onDrained = onDrained;
    this.thread = new Thread(this::run, "block-cache-writer");
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  synchronized void offer(VerifiedBlock block) {
    if (closed || queuedBytes + block.heapBytes() > limitBytes) {
      counters.writesSkipped.increment();
      return;
    }
    boolean enough = queuedBytes >= GATHER_BYTES;
    queuedBytes += block.heapBytes();
    queue.add(block);
    if (queue.size() == 1 || (!enough && queuedBytes >= GATHER_BYTES)) {
      notifyAll();
    }
  }

  /** Whether the disk is so far behind that nothing should be fetched ahead. */
  synchronized boolean isBehind() {
    return queuedBytes > limitBytes / 2;
  }

  /** Waits until all that was offered is on disk, or was given up. */
  synchronized void awaitIdle() throws InterruptedException {
    while (!queue.isEmpty() || writing) {
      wait();
    }
  }

  /** Writes what is queued and ends the thread. */
  void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    List<VerifiedBlock> batch = new ArrayList<>(BATCH_MAX);
    while (take(batch)) {
      store.append(batch);
      if (finish(batch)) {
        onDrained.run();
      }
      batch.clear();
    }
  }

  private synchronized boolean take(List<VerifiedBlock> batch) {
    try {
      while (queue.isEmpty()) {
        if (closed) {
          return false;
        }
        wait();
      }
      long end = System.nanoTime() + GATHER_NANOS;
      long left = GATHER_NANOS;
      while (!closed && queuedBytes < GATHER_BYTES && left > 0) {
        TimeUnit.NANOSECONDS.timedWait(this, left);
        left = end - System.nanoTime();
      }
    } catch (InterruptedException e) {
      // Nobody means this thread's end by an interrupt: that comes through close().
    }
    while (batch.size() < BATCH_MAX && !queue.isEmpty()) {
      batch.add(queue.poll());
    }
    writing = true;
    return true;
  }

  /** Takes the batch off the account; whether this ended a backlog. */
  private synchronized boolean finish(List<VerifiedBlock> batch) {
    boolean wasBehind = isBehind();
    for (VerifiedBlock block : batch) {
      queuedBytes -= block.heapBytes();
    }
    writing = false;
    notifyAll();
    return wasBehind && !isBehind();
  }
}
