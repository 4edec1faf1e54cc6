package io.mapfs.server.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.wire.Frame;
import io.mapfs.core.wire.FrameHeader;
import io.mapfs.core.wire.Limits;
import io.mapfs.core.wire.MalformedMessageException;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Priority;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class FrameHandlersTest {
  private static byte[] bytes(Frame frame) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (ByteBuffer part : frame.parts()) {
      byte[] piece = new byte[part.remaining()];
      part.get(piece);
      bytes.writeBytes(piece);
    }
    return bytes.toByteArray();
  }

  private static Frame tree(int id, int bytes) {
    return Frame.reply(
        id, Priority.DEMAND, new Message.TreeChunk(bytes, ByteBuffer.allocate(bytes)));
  }

  private static EmbeddedChannel decoding(ByteBudget budget) {
    return decoding(new ReceiveTurns(2, Long.MAX_VALUE), budget);
  }

  private static EmbeddedChannel decoding(ReceiveTurns turns, ByteBudget budget) {
    EmbeddedChannel channel = new EmbeddedChannel();
    channel
        .pipeline()
        .addLast(new FrameDecoder(turns, budget, new ReadGate(channel), Limits.MAX_FRAME_BYTES));
    return channel;
  }

  @Test
  void framesAreCutWhereverTheBytesAreSplit() {
    byte[] all = new byte[0];
    List<Frame> sent = List.of(tree(1, 300), tree(2, 0), tree(3, 40_000));
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    sent.forEach(frame -> stream.writeBytes(bytes(frame)));
    all = stream.toByteArray();
    for (int piece : new int[] {1, 7, 16, 1000, all.length}) {
      ByteBudget budget = new ByteBudget(Limits.MAX_FRAME_BYTES);
      EmbeddedChannel channel = decoding(budget);
      for (int at = 0; at < all.length; at += piece) {
        channel.writeInbound(Unpooled.copiedBuffer(all, at, Math.min(piece, all.length - at)));
      }
      for (Frame frame : sent) {
        FrameDecoder.Received received = channel.readInbound();
        assertEquals(frame.header(), received.header());
        budget.release(received.held());
      }
      assertNull(channel.readInbound());
      assertFalse(channel.finish());
      assertEquals(Limits.MAX_FRAME_BYTES, budget.freeBytes());
    }
  }

  @Test
  void damagedFrameEndsDecodingAndFreesItsShare() {
    byte[] damaged = bytes(tree(1, 40_000));
    damaged[20_000] ^= 4;
    ByteBudget budget = new ByteBudget(Limits.MAX_FRAME_BYTES);
    EmbeddedChannel channel = decoding(budget);
    assertThrows(
        MalformedMessageException.class,
        () -> channel.writeInbound(Unpooled.wrappedBuffer(damaged, bytes(tree(2, 5)))));
    assertNull(channel.readInbound());
    assertEquals(Limits.MAX_FRAME_BYTES, budget.freeBytes());
  }

  @Test
  void largePayloadWaitsForTheBudget() {
    ByteBudget budget = new ByteBudget(50_000);
    assertNull(budget.take(50_000, () -> {}));
    EmbeddedChannel channel = decoding(budget);
    channel.writeInbound(Unpooled.wrappedBuffer(bytes(tree(1, 40_000)), bytes(tree(2, 5))));
    assertNull(channel.readInbound());
    assertFalse(channel.config().isAutoRead());
    budget.release(50_000);
    channel.runPendingTasks();
    assertTrue(channel.config().isAutoRead());
    FrameDecoder.Received first = channel.readInbound();
    assertEquals(1, first.header().requestId());
    assertNotNull(channel.readInbound());
    budget.release(first.held());
    assertEquals(50_000, budget.freeBytes());
  }

  @Test
  void largePayloadWaitsForItsTurnAndSmallOnesDoNot() {
    ReceiveTurns turns = new ReceiveTurns(1, Long.MAX_VALUE);
    ByteBudget budget = new ByteBudget(Limits.MAX_FRAME_BYTES);
    byte[] large = bytes(tree(1, 40_000));
    EmbeddedChannel first = decoding(turns, budget);
    EmbeddedChannel second = decoding(turns, budget);
    EmbeddedChannel third = decoding(turns, budget);
    first.writeInbound(Unpooled.wrappedBuffer(large, 0, 20_000));
    second.writeInbound(Unpooled.wrappedBuffer(large));
    third.writeInbound(Unpooled.wrappedBuffer(bytes(tree(3, 5))));
    assertNull(second.readInbound());
    assertFalse(second.config().isAutoRead());
    assertNotNull(third.readInbound());
    first.writeInbound(Unpooled.wrappedBuffer(large, 20_000, large.length - 20_000));
    assertNotNull(first.readInbound());
    second.runPendingTasks();
    assertNotNull(second.readInbound());
    assertTrue(second.config().isAutoRead());
  }

  @Test
  void connectionThatEndsPassesItsTurnOn() {
    ReceiveTurns turns = new ReceiveTurns(1, Long.MAX_VALUE);
    ByteBudget budget = new ByteBudget(Limits.MAX_FRAME_BYTES);
    byte[] large = bytes(tree(1, 40_000));
    EmbeddedChannel first = decoding(turns, budget);
    EmbeddedChannel second = decoding(turns, budget);
    EmbeddedChannel third = decoding(turns, budget);
    first.writeInbound(Unpooled.wrappedBuffer(large, 0, 20_000));
    second.writeInbound(Unpooled.wrappedBuffer(large));
    third.writeInbound(Unpooled.wrappedBuffer(large));
    second.finish();
    first.finish();
    third.runPendingTasks();
    FrameDecoder.Received received = third.readInbound();
    assertNotNull(received);
    budget.release(received.held());
    assertEquals(Limits.MAX_FRAME_BYTES, budget.freeBytes());
  }

  @Test
  void connectionThatEndsWhileItWaitsTakesNothingWithIt() {
    ByteBudget budget = new ByteBudget(50_000);
    assertNull(budget.take(50_000, () -> {}));
    EmbeddedChannel waiting = decoding(budget);
    waiting.writeInbound(Unpooled.wrappedBuffer(bytes(tree(1, 40_000))));
    EmbeddedChannel granted = decoding(budget);
    granted.writeInbound(Unpooled.wrappedBuffer(bytes(tree(1, 30_000)), 0, 20_000));
    waiting.close();
    budget.release(50_000);
    granted.runPendingTasks();
    assertEquals(50_000 - 30_012, budget.freeBytes());
    granted.close(); // in the middle of its frame
    assertEquals(50_000, budget.freeBytes());
  }

  @Test
  void urgentFramesGoBetweenOthersAndThePiecesStayInOrder() {
    EmbeddedChannel channel = new EmbeddedChannel(new FrameEncoder());
    channel.config().setWriteBufferWaterMark(new WriteBufferWaterMark(1, 2));
    Frame bulk = tree(1, 5000);
    Frame more = tree(2, 5000);
    Frame commit = Frame.reply(3, Priority.JOURNAL, new Message.Appended(9));
    channel.write(bulk);
    channel.write(more);
    channel.write(commit);
    channel.flush();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteBuf piece;
    while ((piece = channel.readOutbound()) != null) {
      byte[] copy = new byte[piece.readableBytes()];
      piece.readBytes(copy);
      piece.release();
      out.writeBytes(copy);
    }
    ByteArrayOutputStream expected = new ByteArrayOutputStream();
    List<Frame> order = new ArrayList<>(List.of(commit, bulk, more));
    order.forEach(frame -> expected.writeBytes(bytes(frame)));
    assertArrayEquals(expected.toByteArray(), out.toByteArray());
  }

  @Test
  void pressureIsToldOnceAndRelieved() {
    List<Boolean> told = new ArrayList<>();
    FrameEncoder encoder = new FrameEncoder();
    encoder.listener(told::add);
    EmbeddedChannel channel = new EmbeddedChannel(encoder);
    for (int i = 0; i < 4; i++) {
      channel.write(tree(i, 400_000));
    }
    assertEquals(List.of(true), told);
    channel.flush();
    assertEquals(List.of(true, false), told);
    channel.releaseOutbound();
  }

  @Test
  void framesThatWereNotSentFailWithTheConnection() {
    EmbeddedChannel channel = new EmbeddedChannel(new FrameEncoder());
    var before = channel.write(tree(1, 10));
    channel.close();
    assertTrue(before.isDone() && !before.isSuccess());
    var after = channel.write(tree(2, 10));
    assertTrue(after.isDone() && !after.isSuccess());
  }

  @Test
  void headIsSixteenBytes() {
    assertEquals(16, FrameHeader.BYTES);
    assertEquals(16, bytes(Frame.request(1, Priority.DEMAND, new Message.Ping())).length);
  }
}
