package io.mapfs.server.net;

import io.mapfs.core.wire.Priority;
import java.util.ArrayDeque;

/** Tasks of one session that run one after the other, in the order in which they came. */
final class SerialTasks {
  private final WorkQueue.Lane lane;
  private final Priority priority;
  private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
  private boolean running;

  SerialTasks(WorkQueue.Lane lane, Priority priority) {
    this.lane = lane;
    this.priority = priority;
  }

  synchronized void submit(Runnable task) {
    waiting.add(task);
    if (!running) {
      running = true;
      lane.submit(priority, this::runOne);
    }
  }

  private void runOne() {
    Runnable task;
    synchronized (this) {
      task = waiting.remove();
    }
    try {
      task.run();
    } finally {
      synchronized (this) {
        running = !waiting.isEmpty();
        if (running) {
          lane.submit(priority, this::runOne);
        }
      }
    }
  }
}
