package io.mapfs.server.net;

import io.mapfs.core.wire.Frame;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import java.nio.ByteBuffer;

/**
 * Hands a frame's pieces to the socket, uncopied, and notes when sending last made progress. For
 * one connection, on its event loop.
 */
final class FrameEncoder extends ChannelOutboundHandlerAdapter {
  private long progressNanos = System.nanoTime();
  private int unsent;

  /** Since when nothing of what is waiting was sent; {@code now} if nothing waits. */
  long stalledSinceNanos(long now) {
    return unsent == 0 ? now : progressNanos;
  }

  @Override
  public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
    if (!(message instanceof Frame frame)) {
      var unused = ctx.write(message, promise);
      return;
    }
    ByteBuffer[] parts = frame.parts();
    for (int i = 0; i < parts.length; i++) {
      ChannelPromise sent = i == parts.length - 1 ? promise : ctx.newPromise();
      if (unsent++ == 0) {
        progressNanos = System.nanoTime();
      }
      sent.addListener(
          (ChannelFutureListener)
              future -> {
                unsent--;
                progressNanos = System.nanoTime();
              });
      var unused = ctx.write(Unpooled.wrappedBuffer(parts[i]), sent);
    }
  }
}
