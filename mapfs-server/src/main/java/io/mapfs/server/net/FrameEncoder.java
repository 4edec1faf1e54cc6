package io.mapfs.server.net;

import io.mapfs.core.wire.Frame;
import io.mapfs.core.wire.Priority;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;

/**
 * Hands frames to the socket, piece by piece and only as fast as it takes them (the network library
 * copies heap buffers to native memory when they are handed over). Urgent frames overtake others
 * between two frames. For one connection, on its event loop.
 */
final class FrameEncoder extends ChannelDuplexHandler {
  /** Unsent bytes of this connection from which on it is under pressure, and below which not. */
  private static final long PRESSURE_BYTES = 1024 * 1024;

  private static final long RELIEF_BYTES = 256 * 1024;

  /**
   * Most bytes handed over and not yet sent: TLS keeps what it was given where the socket's own
   * water marks do not count it.
   */
  private static final int HANDED_BYTES = 384 * 1024;

  /** Parts of a frame are gathered up to this size. */
  private static final int PIECE_BYTES_MAX = 64 * 1024;

  /** Told on the event loop. */
  interface PressureListener {
    void pressure(boolean present);
  }

  private final ArrayDeque<Outgoing> urgent = new ArrayDeque<>();
  private final ArrayDeque<Outgoing> rest = new ArrayDeque<>();
  private PressureListener listener = present -> {};

  /** The frame whose pieces are being handed over. */
  private Outgoing current;

  private long queuedBytes;
  private boolean underPressure;
  private boolean closed;
  private int inSocket;
  private int handedBytes;
  private long progressNanos = System.nanoTime();

  /** A frame, or anything else that is passed on in its turn. */
  private static final class Outgoing {
    final Object message;
    final ByteBuffer[] parts;
    final int bytes;
    final ChannelPromise promise;
    int next;

    Outgoing(Object message, ChannelPromise promise) {
      Frame frame = message instanceof Frame it ? it : null;
      this.message = message;
      this.parts = frame == null ? new ByteBuffer[0] : frame.parts();
      this.bytes = frame == null ? 0 : frame.lengthBytes();
      this.promise = promise;
    }
  }

  void listener(PressureListener newListener) {
    listener = newListener;
  }

  /** Since when nothing of what is waiting was sent; {@code now} if nothing waits. */
  long stalledSinceNanos(long now) {
    return inSocket == 0 && queuedBytes == 0 ? now : progressNanos;
  }

  @Override
  public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
    if (closed) {
      promise.tryFailure(new ClosedChannelException());
      return;
    }
    Outgoing outgoing = new Outgoing(message, promise);
    if (inSocket == 0 && queuedBytes == 0) {
      progressNanos = System.nanoTime();
    }
    boolean first = message instanceof Frame frame && frame.header().priority() == Priority.JOURNAL;
    (first ? urgent : rest).add(outgoing);
    queuedBytes += outgoing.bytes;
    if (!underPressure && queuedBytes > PRESSURE_BYTES) {
      underPressure = true;
      listener.pressure(true);
    }
  }

  @Override
  public void flush(ChannelHandlerContext ctx) {
    handOver(ctx);
    ctx.flush();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (ctx.channel().isWritable()) {
      flush(ctx);
    }
    ctx.fireChannelWritabilityChanged();
  }

  private void handOver(ChannelHandlerContext ctx) {
    while (ctx.channel().isWritable() && handedBytes < HANDED_BYTES && advance()) {
      Outgoing outgoing = current;
      if (outgoing.parts.length == 0) {
        current = null;
        var unused = ctx.write(outgoing.message, outgoing.promise);
        continue;
      }
      ByteBuf piece = nextPiece(ctx, outgoing);
      boolean last = outgoing.next == outgoing.parts.length;
      int bytes = piece.readableBytes();
      ChannelPromise sent = last ? outgoing.promise : ctx.newPromise();
      inSocket++;
      handedBytes += bytes;
      sent.addListener((ChannelFutureListener) future -> sent(ctx, bytes));
      if (last) {
        current = null;
      }
      var unused = ctx.write(piece, sent);
    }
  }

  /**
   * The frame's next parts in one buffer of the socket's kind. Each would be copied into one by the
   * channel otherwise, and written, accounted for and completed by itself.
   */
  private static ByteBuf nextPiece(ChannelHandlerContext ctx, Outgoing outgoing) {
    int end = outgoing.next;
    int bytes = 0;
    do {
      bytes += outgoing.parts[end++].remaining();
    } while (end < outgoing.parts.length
        && bytes + outgoing.parts[end].remaining() <= PIECE_BYTES_MAX);
    ByteBuf piece = ctx.alloc().directBuffer(bytes);
    while (outgoing.next < end) {
      piece.writeBytes(outgoing.parts[outgoing.next++]);
    }
    return piece;
  }

  /** Whether there is a frame to go on with. */
  private boolean advance() {
    if (current == null) {
      current = urgent.isEmpty() ? rest.poll() : urgent.poll();
    }
    return current != null;
  }

  private void sent(ChannelHandlerContext ctx, int bytes) {
    inSocket--;
    boolean full = handedBytes >= HANDED_BYTES;
    handedBytes -= bytes;
    if (full && handedBytes < HANDED_BYTES && !closed) {
      // Later: this may run within a flush.
      ctx.executor().execute(() -> flush(ctx));
    }
    queuedBytes -= bytes;
    progressNanos = System.nanoTime();
    if (underPressure && queuedBytes < RELIEF_BYTES) {
      underPressure = false;
      listener.pressure(false);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    closed = true;
    ClosedChannelException cause = new ClosedChannelException();
    while (advance()) {
      Outgoing dropped = current;
      current = null;
      dropped.promise.tryFailure(cause);
    }
    ctx.fireChannelInactive();
  }
}
