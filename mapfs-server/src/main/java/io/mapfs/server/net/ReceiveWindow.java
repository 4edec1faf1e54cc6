package io.mapfs.server.net;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.IntegerUnixChannelOption;

/**
 * How much a client may send before it is read: enough to fill its link, and no more. The system's
 * own choice, megabytes, would stand in the queues of the network, behind those who wait for their
 * {@link ReceiveTurns} no less than behind those who have one.
 *
 * <p>For one connection, on its event loop. Only with epoll; elsewhere the system's choice stands.
 */
final class ReceiveWindow {
  /** For a link without a delay worth the name. */
  private static final int BYTES_MIN = 128 * 1024;

  private static final int BYTES_MAX = 4 << 20;

  /** A sender that is far away is to fill a link of 1 Gbit/s. */
  private static final long BYTES_PER_MICRO = 125;

  private static final ChannelOption<Integer> TCP_WINDOW_CLAMP =
      new IntegerUnixChannelOption("TCP_WINDOW_CLAMP", 6, 10); // IPPROTO_TCP, linux/tcp.h

  /** {@code null} where windows are the system's. */
  private final EpollSocketChannel channel;

  private int bytes = Integer.MAX_VALUE;

  ReceiveWindow(Channel channel) {
    this.channel = channel instanceof EpollSocketChannel epoll ? epoll : null;
  }

  /** The window for a round trip of so many microseconds. */
  static int bytes(long roundTripMicros) {
    return (int) Math.min(BYTES_MAX, BYTES_MIN + roundTripMicros * BYTES_PER_MICRO);
  }

  /**
   * Holds the window to what the shortest round trip yet wants. Called before each large payload:
   * the kernel widens it again when it learns how the client's packets lie in memory
   * (tcp_measure_rcv_mss).
   */
  void hold() {
    if (channel == null) {
      return;
    }
    try {
      int wanted = bytes(channel.tcpInfo().rtt());
      if (wanted < bytes) {
        bytes = wanted;
        // The kernel takes twice the number for its memory: what comes in small pieces fits, too.
        channel.config().setOption(ChannelOption.SO_RCVBUF, bytes);
      }
      channel.config().setOption(TCP_WINDOW_CLAMP, bytes);
    } catch (ChannelException e) {
      // The connection is gone; whoever reads from it will see.
    }
  }
}
