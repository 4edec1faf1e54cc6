package io.mapfs.client;

import io.mapfs.core.wire.Frame;
import io.mapfs.core.wire.Priority;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Frames that wait to be written, the most urgent first, in order among equals. Bounded by the
 * connection's bound on requests in flight.
 */
final class SendQueue {
  /** Written at once; so a commit waits behind this much of a bulk upload at most. */
  private static final int BATCH_BYTES = 256 * 1024;

  private static final int BATCH_FRAMES = 64;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition filled = lock.newCondition();

  /** Protected by {@link #lock}. */
  private final Map<Priority, ArrayDeque<Entry>> queues = new EnumMap<>(Priority.class);

  private boolean closed;

  SendQueue() {
    for (Priority priority : Priority.values()) {
      queues.put(priority, new ArrayDeque<>());
    }
  }

  /**
   * @param request whose frame this is; {@code null} for one that is always sent
   */
  private record Entry(Frame frame, PendingRequest<?> request) {}

  /** Adds a frame; it is left out if its request is done by the time it is its turn. */
  void add(Frame frame, Priority priority, PendingRequest<?> request) {
    lock.lock();
    try {
      if (!closed) {
        queues.get(priority).add(new Entry(frame, request));
        filled.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits for frames and takes some; none when the queue is closed. */
  List<Frame> take() throws InterruptedException {
    lock.lock();
    try {
      while (true) {
        if (closed) {
          return Collections.emptyList();
        }
        List<Frame> batch = takeLocked();
        if (!batch.isEmpty()) {
          return batch;
        }
        filled.await();
      }
    } finally {
      lock.unlock();
    }
  }

  private List<Frame> takeLocked() {
    List<Frame> batch = new ArrayList<>();
    int bytes = 0;
    for (ArrayDeque<Entry> queue : queues.values()) {
      while (!queue.isEmpty() && bytes < BATCH_BYTES && batch.size() < BATCH_FRAMES) {
        Entry entry = queue.remove();
        if (entry.request() == null || entry.request().markSent()) {
          batch.add(entry.frame());
          bytes += entry.frame().lengthBytes();
        }
      }
    }
    return batch;
  }

  /** Drops what waits and ends {@link #take}. */
  void close() {
    lock.lock();
    try {
      closed = true;
      queues.values().forEach(ArrayDeque::clear);
      filled.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
