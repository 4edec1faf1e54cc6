package io.mapfs.server.net;

import io.mapfs.core.wire.FrameHeader;
import io.mapfs.core.wire.MalformedMessageException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Cuts the received bytes into frames. Payloads are copied once, into heap buffers that belong to
 * the receiver, so that no reference count leaves this handler. A large payload waits for the
 * budget before it is allocated; meanwhile nothing is read from the connection. For one connection,
 * on its event loop.
 */
final class FrameDecoder extends ChannelInboundHandlerAdapter {
  /** Smaller payloads are not worth counting: the bound on requests in flight bounds them. */
  private static final int COUNTED_BYTES = 16 * 1024;

  /** How often the turns of others are looked at while this connection waits for one. */
  private static final long TURN_WATCH_MILLIS = 50;

  private final ReceiveTurns turns;
  private final ByteBudget budget;
  private final ReadGate gate;
  private final ByteBuffer head = ByteBuffer.allocate(FrameHeader.BYTES);

  /** Received, but not looked at: more than one only while the budget is waited for. */
  private final ArrayDeque<ByteBuf> unread = new ArrayDeque<>();

  private int mostBytes;

  /** Of the frame that is being received; {@code null} before its head is complete. */
  private FrameHeader header;

  /** {@code null} until its bytes are granted. */
  private ByteBuffer payload;

  /** Bytes of the budget that the frame under way holds. */
  private int held;

  /** Of the large frame under way, or waited for; {@code null} for none. */
  private ReceiveTurns.Turn turn;

  private ReceiveWindow window;
  private boolean awaitsTurn;
  private boolean watchesTurns;
  private ByteBudget.Waiter waiter;
  private long begunNanos;
  private long heardNanos = System.nanoTime();
  private boolean failed;

  FrameDecoder(ReceiveTurns turns, ByteBudget budget, ReadGate gate, int mostBytes) {
    this.turns = turns;
    this.budget = budget;
    this.gate = gate;
    this.mostBytes = mostBytes;
  }

  /**
   * A frame as it came, its checksum verified.
   *
   * @param held bytes of the budget, which the receiver gives back when it has done with the
   *     payload
   */
  record Received(FrameHeader header, ByteBuffer payload, int held) {}

  /** Bounds the payloads of frames that begin from now on. */
  void mostBytes(int newMostBytes) {
    mostBytes = newMostBytes;
  }

  /**
   * Since when the rest of a frame is waited for, as of {@link System#nanoTime}; 0 if none is, or
   * if the wait is of the server's making.
   */
  long begunNanos() {
    return waits() ? 0 : begunNanos;
  }

  /** Bytes of that frame's payload that are here. */
  int begunBytes() {
    return payload == null ? 0 : payload.position();
  }

  /** When bytes last came, as of {@link System#nanoTime}. */
  long heardNanos() {
    return heardNanos;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    window = new ReceiveWindow(ctx.channel());
    window.hold();
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    heardNanos = System.nanoTime();
    unread.add((ByteBuf) message);
    decode(ctx);
  }

  private void decode(ChannelHandlerContext ctx) {
    try {
      while (!unread.isEmpty() && !waits()) {
        ByteBuf received = unread.peek();
        if (failed || !received.isReadable()) {
          unread.remove().release();
        } else {
          accept(ctx, received);
        }
      }
    } catch (MalformedMessageException e) {
      failed = true;
      drop();
      ctx.fireExceptionCaught(e);
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
      if (!reserve(ctx, header.lengthBytes())) {
        return;
      }
    }
    if (payload == null) {
      payload = ByteBuffer.allocate(header.lengthBytes());
    }
    fill(payload, received);
    if (!payload.hasRemaining()) {
      finish(ctx);
    }
  }

  /** Whether nothing can be read on before others have done with something. */
  private boolean waits() {
    return awaitsTurn || waiter != null;
  }

  /** Takes a turn and room for the payload; false if either is to be waited for. */
  private boolean reserve(ChannelHandlerContext ctx, int bytes) {
    if (bytes < COUNTED_BYTES) {
      return true;
    }
    window.hold();
    turn = turns.turn(() -> later(ctx, () -> turnCame(ctx, bytes)));
    if (!turns.take(turn, System.nanoTime())) {
      awaitsTurn = true;
      gate.close(ReadGate.Reason.TURN);
      watchTurns(ctx);
      return false;
    }
    return takeRoom(ctx, bytes);
  }

  /** While one's own turn is waited for, those of the slow must not keep it from coming. */
  private void watchTurns(ChannelHandlerContext ctx) {
    if (!watchesTurns && awaitsTurn) {
      watchesTurns = true;
      var unused =
          ctx.executor()
              .schedule(
                  () -> {
                    watchesTurns = false;
                    turns.passSlow(System.nanoTime());
                    watchTurns(ctx);
                  },
                  TURN_WATCH_MILLIS,
                  TimeUnit.MILLISECONDS);
    }
  }

  private void turnCame(ChannelHandlerContext ctx, int bytes) {
    if (!awaitsTurn) { // the connection ended meanwhile, and the turn with it
      return;
    }
    awaitsTurn = false;
    begunNanos = System.nanoTime() | 1;
    if (takeRoom(ctx, bytes)) {
      decode(ctx);
    }
    if (!awaitsTurn) {
      gate.open(ReadGate.Reason.TURN);
    }
  }

  /** Takes the payload's bytes from the budget; false if they are to be waited for. */
  private boolean takeRoom(ChannelHandlerContext ctx, int bytes) {
    waiter = budget.take(bytes, () -> later(ctx, () -> granted(ctx, bytes)));
    if (waiter != null) {
      gate.close(ReadGate.Reason.BUDGET);
      return false;
    }
    held = bytes;
    return true;
  }

  private static void later(ChannelHandlerContext ctx, Runnable task) {
    try {
      ctx.executor().execute(task);
    } catch (RejectedExecutionException e) {
      // The server has stopped, and its budget with it.
    }
  }

  private void granted(ChannelHandlerContext ctx, int bytes) {
    if (waiter == null) { // the connection ended meanwhile
      budget.release(bytes);
      return;
    }
    waiter = null;
    held = bytes;
    begunNanos = System.nanoTime() | 1;
    decode(ctx);
    if (waiter == null) {
      gate.open(ReadGate.Reason.BUDGET);
    }
  }

  private void finish(ChannelHandlerContext ctx) throws MalformedMessageException {
    Received frame = new Received(header, payload.flip(), held);
    endTurn();
    frame.header().verify(frame.payload());
    header = null;
    payload = null;
    held = 0;
    begunNanos = 0;
    ctx.fireChannelRead(frame);
  }

  private void endTurn() {
    ReceiveTurns.Turn ended = turn;
    turn = null;
    awaitsTurn = false;
    if (ended != null) {
      turns.end(ended, System.nanoTime());
    }
  }

  private static void fill(ByteBuffer target, ByteBuf source) {
    int bytes = Math.min(target.remaining(), source.readableBytes());
    int limit = target.limit();
    target.limit(target.position() + bytes);
    source.readBytes(target);
    target.limit(limit);
  }

  /** Gives back what an unfinished frame holds. */
  private void drop() {
    header = null;
    payload = null;
    int bytes = held;
    held = 0;
    begunNanos = 0;
    endTurn();
    if (bytes > 0) {
      budget.release(bytes);
    }
    ByteBudget.Waiter abandoned = waiter;
    waiter = null;
    if (abandoned != null) {
      // If it was granted just now, granted() finds no waiter and gives the bytes back.
      budget.abandon(abandoned);
    }
    while (!unread.isEmpty()) {
      unread.remove().release();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    failed = true;
    drop();
    ctx.fireChannelInactive();
  }
}
