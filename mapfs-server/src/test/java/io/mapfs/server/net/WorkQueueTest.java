package io.mapfs.server.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.wire.Priority;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class WorkQueueTest {
  private final WorkQueue queue = new WorkQueue(1);
  private final List<String> ran = Collections.synchronizedList(new ArrayList<>());

  @AfterEach
  void close() {
    queue.close();
  }

  /** Keeps the only worker busy until the latch opens. */
  private CountDownLatch block() throws InterruptedException {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch gate = new CountDownLatch(1);
    queue
        .lane()
        .submit(
            Priority.JOURNAL,
            () -> {
              entered.countDown();
              try {
                gate.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    entered.await();
    return gate;
  }

  private void awaitRun(int count) throws InterruptedException {
    while (ran.size() < count) {
      Thread.sleep(1);
    }
  }

  @Test
  void sessionsTakeTurns() throws Exception {
    CountDownLatch gate = block();
    WorkQueue.Lane a = queue.lane();
    WorkQueue.Lane b = queue.lane();
    for (int i = 0; i < 3; i++) {
      a.submit(Priority.DEMAND, () -> ran.add("a"));
    }
    for (int i = 0; i < 3; i++) {
      b.submit(Priority.DEMAND, () -> ran.add("b"));
    }
    gate.countDown();
    awaitRun(6);
    assertEquals(List.of("a", "b", "a", "b", "a", "b"), ran);
  }

  @Test
  void leastUrgentIsNotStarved() throws Exception {
    CountDownLatch gate = block();
    WorkQueue.Lane lane = queue.lane();
    lane.submit(Priority.PREFETCH, () -> ran.add("prefetch"));
    for (int i = 0; i < 100; i++) {
      lane.submit(Priority.DEMAND, () -> ran.add("demand"));
    }
    gate.countDown();
    awaitRun(101);
    int at = ran.indexOf("prefetch");
    assertTrue(at > 0 && at < 20, "ran as number " + at);
  }

  @Test
  void pausedSessionRunsUrgentTasksOnly() throws Exception {
    WorkQueue.Lane lane = queue.lane();
    lane.pause(true);
    lane.submit(Priority.DEMAND, () -> ran.add("demand"));
    lane.submit(Priority.JOURNAL, () -> ran.add("journal"));
    awaitRun(1);
    assertEquals(List.of("journal"), ran);
    lane.pause(false);
    awaitRun(2);
    assertEquals(List.of("journal", "demand"), ran);
  }

  @Test
  void serialTasksNeverOverlapAndKeepTheirOrder() throws Exception {
    WorkQueue many = new WorkQueue(4);
    try {
      SerialTasks serial = new SerialTasks(many.lane(), Priority.JOURNAL);
      List<Integer> order = Collections.synchronizedList(new ArrayList<>());
      CountDownLatch done = new CountDownLatch(1000);
      int[] inside = new int[1];
      for (int i = 0; i < 1000; i++) {
        int number = i;
        serial.submit(
            () -> {
              // Not synchronized on purpose: only one task is ever in here.
              assertEquals(1, ++inside[0]);
              order.add(number);
              inside[0]--;
              done.countDown();
            });
      }
      assertTrue(done.await(30, TimeUnit.SECONDS));
      for (int i = 0; i < 1000; i++) {
        assertEquals(i, order.get(i));
      }
    } finally {
      many.close();
    }
  }

  @Test
  void failingTaskDoesNotEndItsWorker() throws Exception {
    WorkQueue.Lane lane = queue.lane();
    lane.submit(
        Priority.DEMAND,
        () -> {
          throw new IllegalStateException("a planted fault");
        });
    lane.submit(Priority.DEMAND, () -> ran.add("after"));
    awaitRun(1);
  }
}
