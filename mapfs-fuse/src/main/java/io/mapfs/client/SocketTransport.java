package io.mapfs.client;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/** Plain TCP, blocking: one connection needs no event loop, and a command starts in no time. */
final class SocketTransport implements Transport {
  private final SocketChannel channel;

  private SocketTransport(SocketChannel channel) {
    this.channel = channel;
  }

  /** Connects within the timeout. */
  static SocketTransport connect(InetSocketAddress address, Duration timeout) throws IOException {
    SocketChannel channel = SocketChannel.open();
    try {
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.socket().connect(address, (int) Math.max(1, timeout.toMillis()));
      return new SocketTransport(channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    return channel.read(target);
  }

  @Override
  public void write(ByteBuffer[] parts) throws IOException {
    int first = 0;
    while (first < parts.length) {
      channel.write(parts, first, parts.length - first);
      while (first < parts.length && !parts[first].hasRemaining()) {
        first++;
      }
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
