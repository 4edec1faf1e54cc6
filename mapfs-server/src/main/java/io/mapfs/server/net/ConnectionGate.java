package io.mapfs.server.net;

import java.net.InetAddress;
import java.util.HashMap;
import java.util.Map;

/** Counts connections, in all and by address. */
final class ConnectionGate {
  private final int most;
  private final int mostPerAddress;
  private final Map<InetAddress, Integer> byAddress = new HashMap<>();
  private int all;

  ConnectionGate(int most, int mostPerAddress) {
    this.most = most;
    this.mostPerAddress = mostPerAddress;
  }

  /** Lets a connection in, which {@link #leave}s once; false if there are too many. */
  synchronized boolean enter(InetAddress address) {
    int here = byAddress.getOrDefault(address, 0);
    if (all >= most || here >= mostPerAddress) {
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
