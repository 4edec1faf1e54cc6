package io.mapfs.server.simulation;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Carries messages late, twice, in another order, or not at all, and not while two ends are
 * partitioned. A run is either mild (a connection keeps its order, as TCP does, until it breaks) or
 * wild (any message may be lost, doubled or overtaken).
 */
final class Network {
  private static final int DELAY_MILLIS_MAX = 30;
  private static final int LATE_MILLIS_MAX = 3_000;

  private final World world;
  private final boolean wild;
  private double loss;
  private double late = 0.02;
  private final Map<String, Long> partitionedUntil = new HashMap<>();
  private final Map<String, Long> lastArrival = new HashMap<>();

  Network(World world) {
    this.world = world;
    this.wild = world.chance(0.4);
    this.loss = world.chance(0.3) ? 0 : world.random.nextDouble() * 0.1;
  }

  /** From now on everything arrives, in time. */
  void heal() {
    loss = 0;
    late = 0;
    partitionedUntil.clear();
  }

  /** Cuts a node off, in one direction or both. */
  void partition(String direction, long millis) {
    partitionedUntil.merge(direction, world.nowMillis() + millis, Math::max);
  }

  /**
   * Sends.
   *
   * @param direction which way: "A>" from node A, ">A" to it
   * @param connection messages of one keep their order in mild runs
   * @param lost told, late, when a mild run loses the message: the connection has broken
   */
  void send(String direction, long connection, Runnable arrival, Consumer<Long> lost) {
    boolean cut = partitionedUntil.getOrDefault(direction, 0L) > world.nowMillis();
    if (cut || world.chance(loss)) {
      if (!wild) {
        world.after(100 + world.below(LATE_MILLIS_MAX), () -> lost.accept(connection));
      }
      return;
    }
    long delay = world.chance(late) ? world.below(LATE_MILLIS_MAX) : world.below(DELAY_MILLIS_MAX);
    if (!wild) {
      String stream = direction + connection;
      long at = Math.max(world.nowMillis() + delay, lastArrival.getOrDefault(stream, 0L));
      lastArrival.put(stream, at);
      delay = at - world.nowMillis();
    } else if (world.chance(0.05)) {
      world.after(world.below(LATE_MILLIS_MAX), arrival);
    }
    world.after(delay, arrival);
  }
}
