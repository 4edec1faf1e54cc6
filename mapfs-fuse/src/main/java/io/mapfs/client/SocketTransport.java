package io.mapfs.client;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/** Plain TCP, blocking: one connection needs no event loop, and a command starts in no time. */
final class SocketTransport implements Transport {
  private static final int UNSENT_BYTES = 128 * 1024;

  private final SocketChannel channel;

  /**
   * Gathers the parts. Given the parts themselves, the channel would copy each into a native buffer
   * of its own, and keep as many as it ever needed at once.
   */
  private final ByteBuffer unsent = ByteBuffer.allocateDirect(UNSENT_BYTES);

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
    for (ByteBuffer part : parts) {
      while (part.hasRemaining()) {
        int bytes = Math.min(part.remaining(), unsent.remaining());
        unsent.put(part.slice(part.position(), bytes));
        part.position(part.position() + bytes);
        if (!unsent.hasRemaining()) {
          flush();
        }
      }
    }
    flush();
  }

  private void flush() throws IOException {
    unsent.flip();
    while (unsent.hasRemaining()) {
      channel.write(unsent);
    }
    unsent.clear();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
