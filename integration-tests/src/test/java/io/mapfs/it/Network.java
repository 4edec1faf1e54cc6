package io.mapfs.it;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A network that nobody else reaches: the appliance's end in a network namespace of its own, and
 * machines on cables to it. Safe for concurrent use.
 */
final class Network implements AutoCloseable {
  /** The appliance's address, the same over every cable. */
  static final String APPLIANCE = "10.99.255.1";

  private static final AtomicInteger MADE = new AtomicInteger();

  private final String name =
      "mapfs-" + ProcessHandle.current().pid() + "-" + MADE.getAndIncrement();
  private final List<Wire> wires = new ArrayList<>();

  /** Skips the test where no network namespace can be made. */
  Network() throws IOException, InterruptedException {
    Process adding =
        new ProcessBuilder("sh", "-c", "ip netns add $1", "sh", name).inheritIO().start();
    Requirements.require(adding.waitFor() == 0, "no network namespace can be made");
    Sandbox.shell("ip -n $1 link set lo up; ip -n $1 address add $2/32 dev lo", name, APPLIANCE);
  }

  /** A machine more. */
  synchronized Wire newWire() throws IOException, InterruptedException {
    Wire wire = new Wire(name, wires.size() + 1);
    wires.add(wire);
    return wire;
  }

  /** The words before a command that make it run at the appliance's end. */
  List<String> enter() {
    return enter(name);
  }

  static List<String> enter(String namespace) {
    return List.of("nsenter", "--net=/run/netns/" + namespace);
  }

  /** Cables go with their ends. What runs at one keeps it, without a name. */
  @Override
  public synchronized void close() throws IOException, InterruptedException {
    for (Wire wire : wires) {
      wire.close();
    }
    Sandbox.shell("ip netns delete $1", name);
  }
}
