package io.mapfs.server.net;

import io.mapfs.core.wire.FrameHeader;
import io.mapfs.core.wire.MalformedMessageException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.nio.ByteBuffer;

/**
 * Cuts the received bytes into frames. Payloads are copied once, into heap buffers that belong to
 * the receiver, so that no reference count leaves this handler. For one connection, on its event
 * loop.
 */
final class FrameDecoder extends ChannelInboundHandlerAdapter {
  private final ByteBuffer head = ByteBuffer.allocate(FrameHeader.BYTES);
  private int mostBytes;

  /** Of the frame that is being received; {@code null} before its head is complete. */
  private FrameHeader header;

  private ByteBuffer payload;
  private long begunNanos;
  private boolean failed;

  FrameDecoder(int mostBytes) {
    this.mostBytes = mostBytes;
  }

  /** A frame as it came, its checksum verified. */
  record Received(FrameHeader header, ByteBuffer payload) {}

  /** Bounds the payloads of frames that begin from now on. */
  void mostBytes(int newMostBytes) {
    mostBytes = newMostBytes;
  }

  /** Since when a frame is under way; 0 if none is. As of {@link System#nanoTime}. */
  long begunNanos() {
    return begunNanos;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    ByteBuf received = (ByteBuf) message;
    try {
      while (received.isReadable() && !failed) {
        accept(ctx, received);
      }
    } catch (MalformedMessageException e) {
      failed = true;
      ctx.fireExceptionCaught(e);
    } finally {
      received.release();
    }
  }

  private void accept(ChannelHandlerContext ctx, ByteBuf received)
      throws MalformedMessageException {
    if (begunNanos == 0) {
      begunNanos = System.nanoTime() | 1;
    }
    if (header == null) {
      fill(head, received);
      if (head.hasRemaining()) {
        return;
      }
      header = FrameHeader.take(head.flip(), mostBytes);
      head.clear();
      payload = ByteBuffer.allocate(header.lengthBytes());
    }
    fill(payload, received);
    if (!payload.hasRemaining()) {
      Received frame = new Received(header, payload.flip());
      header = null;
      payload = null;
      begunNanos = 0;
      frame.header().verify(frame.payload());
      ctx.fireChannelRead(frame);
    }
  }

  private static void fill(ByteBuffer target, ByteBuf source) {
    int bytes = Math.min(target.remaining(), source.readableBytes());
    int limit = target.limit();
    target.limit(target.position() + bytes);
    source.readBytes(target);
    target.limit(limit);
  }
}
