package io.mapfs.server.net;

import io.netty.channel.Channel;
import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;

/**
 * Counts connections, in all and by address. Those that did not prove yet who they are have a bound
 * of their own: past it the oldest of the address that has most of them goes, so that no flood of
 * strangers keeps others from the few milliseconds that a handshake takes.
 */
final class ConnectionGate {
  private final ServerBounds.Connections bounds;
  private final Map<InetAddress, Integer> byAddress = new HashMap<>();
  private final Map<InetAddress, ArrayDeque<Channel>> strangers = new HashMap<>();
  private int all;
  private int allStrangers;

  ConnectionGate(ServerBounds.Connections bounds) {
    this.bounds = bounds;
  }

  /** Lets a connection in, which {@link #leave}s once; false if there are too many. */
  boolean enter(InetAddress address, Channel channel) {
    Channel sentAway = null;
    synchronized (this) {
      int here = byAddress.getOrDefault(address, 0);
      if (all >= bounds.most() || here >= bounds.mostPerAddress()) {
        return false;
      }
      all++;
      byAddress.put(address, here + 1);
      if (allStrangers >= bounds.mostStrangers()) {
        sentAway = oldestOfTheMost();
      }
      strangers.computeIfAbsent(address, key -> new ArrayDeque<>()).add(channel);
      allStrangers++;
    }
    if (sentAway != null) {
      var unused = sentAway.close();
    }
    return true;
  }

  private Channel oldestOfTheMost() {
    Map.Entry<InetAddress, ArrayDeque<Channel>> most =
        strangers.entrySet().stream()
            .max(Comparator.comparingInt(entry -> entry.getValue().size()))
            .orElseThrow();
    Channel oldest = most.getValue().peek();
    forget(most.getKey(), oldest);
    return oldest;
  }

  private void forget(InetAddress address, Channel channel) {
    ArrayDeque<Channel> here = strangers.get(address);
    if (here != null && here.remove(channel)) {
      allStrangers--;
      if (here.isEmpty()) {
        strangers.remove(address);
      }
    }
  }

  /** The connection has proved who it is. */
  synchronized void admit(InetAddress address, Channel channel) {
    forget(address, channel);
  }

  synchronized void leave(InetAddress address, Channel channel) {
    forget(address, channel);
    all--;
    byAddress.computeIfPresent(address, (key, count) -> count == 1 ? null : count - 1);
  }
}
