package io.mapfs.server.net;

import io.netty.channel.Channel;
import java.util.EnumSet;

/** Whether a connection is read from: only while nobody has a reason against it. */
final class ReadGate {
  /** Why nothing is read. */
  enum Reason {
    /** Too much of this connection is in flight. */
    IN_FLIGHT,
    /** Others receive large payloads. */
    TURN,
    /** There is no room for the payload of the frame under way. */
    BUDGET
  }

  private final Channel channel;
  private final EnumSet<Reason> reasons = EnumSet.noneOf(Reason.class);

  ReadGate(Channel channel) {
    this.channel = channel;
  }

  synchronized void close(Reason reason) {
    if (reasons.add(reason)) {
      channel.config().setAutoRead(false);
    }
  }

  synchronized void open(Reason reason) {
    if (reasons.remove(reason) && reasons.isEmpty()) {
      channel.config().setAutoRead(true);
    }
  }

  synchronized boolean isOpen() {
    return reasons.isEmpty();
  }
}
