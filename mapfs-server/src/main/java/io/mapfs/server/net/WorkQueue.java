package io.mapfs.server.net;

import io.mapfs.core.wire.Priority;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Worker threads, and who is served next: the most urgent priority that has work, and within it the
 * sessions in turn, one task each. Every {@value #LOWEST_FIRST_EVERY}th pick begins with the least
 * urgent, so that nothing starves. What waits is bounded by what each connection may have in
 * flight.
 */
final class WorkQueue {
  private static final Logger LOG = LoggerFactory.getLogger(WorkQueue.class);
  private static final int LOWEST_FIRST_EVERY = 16;
  private static final List<Priority> MOST_URGENT_FIRST = List.of(Priority.values());
  private static final List<Priority> LEAST_URGENT_FIRST = reversed();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition filled = lock.newCondition();
  private final List<Thread> threads = new ArrayList<>();

  /** Most workers that serve one session at a time, urgent tasks aside. */
  private final int mostPerSession;

  /** Lanes that have a task of the priority that may run; each at most once. Under the lock. */
  private final Map<Priority, ArrayDeque<Lane>> ready = new EnumMap<>(Priority.class);

  /** All lanes, so that they can be offered again after a pause; under the lock. */
  private final Set<Lane> lanes = new HashSet<>();

  private boolean allPaused;
  private int picks;
  private boolean closed;

  WorkQueue(int workers) {
    mostPerSession = Math.max(1, workers - 1);
    for (Priority priority : Priority.values()) {
      ready.put(priority, new ArrayDeque<>());
    }
    for (int i = 0; i < workers; i++) {
      Thread thread = new Thread(this::work, "mapfs-worker-" + i);
      thread.setDaemon(true);
      threads.add(thread);
      thread.start();
    }
  }

  private static List<Priority> reversed() {
    List<Priority> order = new ArrayList<>(MOST_URGENT_FIRST);
    Collections.reverse(order);
    return List.copyOf(order);
  }

  /** One session's tasks. */
  final class Lane {
    private final Map<Priority, ArrayDeque<Runnable>> tasks = new EnumMap<>(Priority.class);
    private int running;
    private boolean paused;
    private boolean closed;

    private Lane() {
      for (Priority priority : Priority.values()) {
        tasks.put(priority, new ArrayDeque<>());
      }
    }

    /** Runs the task on a worker when it is its turn. */
    void submit(Priority priority, Runnable task) {
      lock.lock();
      try {
        tasks.get(priority).add(task);
        if (tasks.get(priority).size() == 1) {
          offerLocked(this, priority);
        }
      } finally {
        lock.unlock();
      }
    }

    /** Holds back all but the most urgent tasks: their answers could not be sent. */
    void pause(boolean newPaused) {
      lock.lock();
      try {
        paused = newPaused;
        if (!paused) {
          offerAllLocked(this);
        }
      } finally {
        lock.unlock();
      }
    }

    /** No more tasks come after those that wait. */
    void close() {
      lock.lock();
      try {
        lanes.remove(this);
        closed = true;
        offerAllLocked(this);
      } finally {
        lock.unlock();
      }
    }

    private boolean mayRunLocked(Priority priority) {
      // What a closed session left behind ends at once.
      return priority == Priority.JOURNAL
          || closed
          || (!allPaused && !paused && running < mostPerSession);
    }
  }

  Lane lane() {
    lock.lock();
    try {
      Lane lane = new Lane();
      lanes.add(lane);
      return lane;
    } finally {
      lock.unlock();
    }
  }

  /** Holds back all but the most urgent tasks of all sessions. */
  void pause(boolean newPaused) {
    lock.lock();
    try {
      allPaused = newPaused;
      if (!allPaused) {
        lanes.forEach(this::offerAllLocked);
      }
    } finally {
      lock.unlock();
    }
  }

  private void offerAllLocked(Lane lane) {
    for (Priority priority : MOST_URGENT_FIRST) {
      offerLocked(lane, priority);
    }
  }

  private void offerLocked(Lane lane, Priority priority) {
    ArrayDeque<Lane> lanes = ready.get(priority);
    if (!lane.tasks.get(priority).isEmpty()
        && lane.mayRunLocked(priority)
        && !lanes.contains(lane)) {
      lanes.add(lane);
      filled.signal();
    }
  }

  private record Pick(Lane lane, Runnable task) {}

  private Pick pickLocked() {
    List<Priority> order =
        ++picks % LOWEST_FIRST_EVERY == 0 ? LEAST_URGENT_FIRST : MOST_URGENT_FIRST;
    for (Priority priority : order) {
      ArrayDeque<Lane> lanes = ready.get(priority);
      Lane lane;
      while ((lane = lanes.poll()) != null) {
        Runnable task = lane.mayRunLocked(priority) ? lane.tasks.get(priority).poll() : null;
        if (task != null) {
          lane.running++;
          offerLocked(lane, priority);
          return new Pick(lane, task);
        }
      }
    }
    return null;
  }

  private void work() {
    Pick pick;
    while ((pick = next()) != null) {
      try {
        pick.task().run();
      } catch (RuntimeException | Error e) {
        LOG.error("a task failed that must not", e);
      } finally {
        lock.lock();
        try {
          if (pick.lane().running-- == mostPerSession) {
            offerAllLocked(pick.lane());
          }
        } finally {
          lock.unlock();
        }
      }
    }
  }

  private Pick next() {
    lock.lock();
    try {
      while (!closed) {
        Pick pick = pickLocked();
        if (pick != null) {
          return pick;
        }
        filled.awaitUninterruptibly();
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** Ends the workers after what they do now; what waits is dropped. */
  void close() {
    lock.lock();
    try {
      closed = true;
      filled.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
