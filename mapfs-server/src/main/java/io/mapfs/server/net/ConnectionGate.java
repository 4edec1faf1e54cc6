package io.mapfs.server.net;

import java.net.InetAddress;
import java.util.HashMap;
import java.util.Map;

/** Counts connections, in all and by address. */
final class ConnectionGate {
  private final ServerBounds.Connections bounds;
  private final Map<InetAddress, Integer> byAddress = new HashMap<>();
  private int all;

  ConnectionGate(ServerBounds.Connections bounds) {
    this.bounds = bounds;
  }

  /** Lets a connection in, which {@link #leave}s once; false if there are too many. */
  synchronized boolean enter(InetAddress address) {
    int here = byAddress.getOrDefault(address, 0);
    if (all >= bounds.most() || here >= bounds.mostPerAddress()) {
      return false;
    }
    all++;
    byAddress.put(address, here + 1);
    return true;
  }

  synchronized void leave(InetAddress address) {
    all--;
    byAddress.computeIfPresent(address, (key, count) -> count == 1 ? null : count - 1);
  }
}
