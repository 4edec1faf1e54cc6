package io.mapfs.server.simulation;

import java.util.HashSet;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;

/** Virtual time and chance: everything happens in one thread, and a seed decides all of it. */
final class World {
  private record Task(long atMillis, long order, Runnable work) implements Comparable<Task> {
    @Override
    public int compareTo(Task other) {
      int byTime = Long.compare(atMillis, other.atMillis);
      return byTime != 0 ? byTime : Long.compare(order, other.order);
    }
  }

  final Random random;
  final Fault fault;
  private final PriorityQueue<Task> tasks = new PriorityQueue<>();
  private final Set<Integer> states = new HashSet<>();
  private long nowMillis;
  private long order;
  private long steps;
  private long sessions;

  World(long seed, Fault fault) {
    this.random = new Random(seed);
    this.fault = fault;
  }

  boolean has(Fault planted) {
    return fault == planted;
  }

  long nowMillis() {
    return nowMillis;
  }

  long nextSession() {
    return ++sessions;
  }

  void after(long millis, Runnable work) {
    tasks.add(new Task(nowMillis + millis, order++, work));
  }

  /** A number from 0 on, less than the bound. */
  int below(int bound) {
    return random.nextInt(bound);
  }

  boolean chance(double share) {
    return random.nextDouble() < share;
  }

  /** Lets time pass. */
  void run(long untilMillis) {
    while (!tasks.isEmpty() && tasks.peek().atMillis <= untilMillis) {
      Task next = tasks.remove();
      nowMillis = next.atMillis;
      steps++;
      next.work.run();
    }
    nowMillis = untilMillis;
  }

  long steps() {
    return steps;
  }

  /** Notes an abstract state, to count how many different ones are met. */
  void visited(int state) {
    states.add(state);
  }

  Set<Integer> states() {
    return states;
  }
}
