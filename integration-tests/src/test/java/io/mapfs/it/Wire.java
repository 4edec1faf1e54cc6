package io.mapfs.it;

import java.io.IOException;
import java.util.List;

/** A machine's network namespace and its cable to the appliance's, on which faults are made. */
final class Wire implements AutoCloseable {
  /**
   * What can befall a cable: the commands that begin and end it, $1 the appliance's namespace, $2
   * the machine's, $3 the cable's number. No module of the kernel is needed but for slowness: what
   * is sent to a neighbour of a wrong hardware address is lost without a word.
   */
  enum Fault {
    PULLED("ip -n $1 link set v$3 down", "ip -n $1 link set v$3 up"),

    WHAT_THE_NODE_SENDS_IS_LOST(
        "ip -n $2 neighbour replace 10.99.$3.1 lladdr 02:00:00:00:00:99 dev v nud permanent",
        "ip -n $2 neighbour delete 10.99.$3.1 dev v"),

    WHAT_THE_APPLIANCE_SENDS_IS_LOST(
        "ip -n $1 neighbour replace 10.99.$3.2 lladdr 02:00:00:00:00:99 dev v$3 nud permanent",
        "ip -n $1 neighbour delete 10.99.$3.2 dev v$3"),

    /** Somebody else has the appliance's address: it resets connections and refuses new ones. */
    RESET(
        "ip -n $2 address add 10.99.255.1/32 dev lo",
        "ip -n $2 address delete 10.99.255.1/32 dev lo"),

    /** The machine loses its address; later it gets another. */
    ANOTHER_ADDRESS(
        "ip -n $2 address delete 10.99.$3.2/24 dev v",
        "ip -n $2 address add 10.99.$3.3/24 dev v; ip -n $2 route add 10.99.255.1 via 10.99.$3.1"),

    SLOW(
        "tc -n $1 qdisc add dev v$3 root tbf rate 300kbit burst 16kb latency 400ms;"
            + " tc -n $2 qdisc add dev v root tbf rate 300kbit burst 16kb latency 400ms",
        "tc -n $1 qdisc delete dev v$3 root; tc -n $2 qdisc delete dev v root");

    private final String begin;
    private final String end;

    Fault(String begin, String end) {
      this.begin = begin;
      this.end = end;
    }
  }

  private final String appliance;
  private final String machine;
  private final int number;

  /**
   * @param appliance the namespace of the other end
   * @param number 1 to 254, of its own among that namespace's
   */
  Wire(String appliance, int number) throws IOException, InterruptedException {
    this.appliance = appliance;
    this.machine = appliance + "-" + number;
    this.number = number;
    run(
        """
        ip netns add $2; ip -n $2 link set lo up
        ip link add v$3 netns $1 type veth peer name v netns $2
        ip -n $1 address add 10.99.$3.1/24 dev v$3; ip -n $1 link set v$3 up
        ip -n $2 address add 10.99.$3.2/24 dev v; ip -n $2 link set v up
        ip -n $2 route add 10.99.255.1 via 10.99.$3.1
        """);
  }

  private void run(String commands) throws IOException, InterruptedException {
    Sandbox.shell(commands, appliance, machine, number);
  }

  /** The words before a command that make it run on the machine. */
  List<String> enter() {
    return Network.enter(machine);
  }

  void begin(Fault fault) throws IOException, InterruptedException {
    run(fault.begin);
  }

  void end(Fault fault) throws IOException, InterruptedException {
    run(fault.end);
  }

  @Override
  public void close() throws IOException, InterruptedException {
    run("ip netns delete $2");
  }
}
