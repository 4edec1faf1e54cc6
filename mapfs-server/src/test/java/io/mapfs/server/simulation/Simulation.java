package io.mapfs.server.simulation;

import java.util.List;

/**
 * One run: an appliance, two machines that may have the overlay, an operator, and everything that
 * can go wrong, as a seed has it. At the end all is healed, and what was promised is looked for.
 */
final class Simulation {
  private static final long TROUBLE_MILLIS = 30_000;
  private static final long HEALED_MILLIS = 30_000;

  private final World world;
  private final Network network;
  private final History history = new History();
  private final SimAppliance appliance;
  private final List<SimNode> nodes;

  Simulation(long seed, Fault fault) {
    world = new World(seed, fault);
    network = new Network(world);
    appliance = new SimAppliance(world, history);
    nodes =
        List.of(
            new SimNode(world, network, appliance, history, "A"),
            new SimNode(world, network, appliance, history, "B"));
  }

  /** Runs it; throws what the checker finds. */
  Simulation run() {
    nodes.get(0).mount(false);
    trouble();
    world.run(TROUBLE_MILLIS);
    network.heal();
    world.run(TROUBLE_MILLIS + HEALED_MILLIS);
    nodes.forEach(SimNode::requireProgress);
    // What is acknowledged must stand whatever happens next.
    appliance.crash(true, 1);
    world.run(world.nowMillis() + 10);
    history.recovered(appliance.disk);
    return this;
  }

  private void trouble() {
    world.after(
        50 + world.below(1_500),
        () -> {
          if (world.nowMillis() < TROUBLE_MILLIS) {
            befall();
            trouble();
          }
        });
  }

  private void befall() {
    SimNode node = nodes.get(world.below(2));
    SimNode other = nodes.get(node == nodes.get(0) ? 1 : 0);
    switch (world.below(12)) {
      case 0, 1 -> appliance.crash(false, world.below(2_000));
      case 2, 3 -> appliance.crash(true, world.below(2_000));
      case 4 -> {
        node.kill();
        node.mount(false);
      }
      case 5 -> {
        node.powerCut();
        node.mount(false);
      }
      case 6 -> appliance.fence();
      case 7 -> node.mount(true);
      case 8 -> {
        // Moved: the other machine mounts it while this one lives on.
        other.mount(true);
      }
      case 9 -> {
        other.unwanted();
        node.mount(false);
      }
      default -> {
        String name = world.chance(0.5) ? "A" : "B";
        String direction = world.chance(0.5) ? name + ">" : ">" + name;
        network.partition(direction, world.below(6_000));
        if (world.chance(0.7)) {
          network.partition(direction.startsWith(">") ? name + ">" : ">" + name, 3_000);
        }
      }
    }
  }

  World world() {
    return world;
  }

  History history() {
    return history;
  }
}
