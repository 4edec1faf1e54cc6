package io.mapfs.client;

import io.mapfs.core.wire.FrameHeader;
import io.mapfs.core.wire.Limits;
import io.mapfs.core.wire.MalformedMessageException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Cuts the received bytes into frames. For one thread, but for {@link #partNanos}. */
final class FrameReader {
  private static final int BUFFER_BYTES = 128 * 1024;

  private final Transport transport;
  private final Liveness liveness;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).limit(0);
  private volatile long partNanos = System.nanoTime();

  /**
   * @param liveness told when this thread waits, and of every byte that comes
   */
  FrameReader(Transport transport, Liveness liveness) {
    this.transport = transport;
    this.liveness = liveness;
  }

  /** A frame as it came. The payload is a heap buffer of its own, the taker's. */
  record Received(FrameHeader header, ByteBuffer payload) {}

  /** When a part of a frame last came that was not its end, as of {@link System#nanoTime}. */
  long partNanos() {
    return partNanos;
  }

  /**
   * Waits for the next frame.
   *
   * @throws EOFException at the end
   * @throws MalformedMessageException if what comes is no frame, is too long or damaged
   */
  Received next() throws IOException {
    while (buffer.remaining() < FrameHeader.BYTES) {
      fill();
    }
    FrameHeader header = FrameHeader.take(buffer, Limits.MAX_FRAME_BYTES);
    ByteBuffer payload = ByteBuffer.allocate(header.lengthBytes());
    while (true) {
      int bytes = Math.min(buffer.remaining(), payload.remaining());
      payload.put(buffer.slice(buffer.position(), bytes));
      buffer.position(buffer.position() + bytes);
      if (!payload.hasRemaining()) {
        break;
      }
      partNanos = System.nanoTime();
      fill();
    }
    payload.flip();
    header.verify(payload);
    return new Received(header, payload);
  }

  private void fill() throws IOException {
    buffer.compact();
    liveness.listen();
    try {
      if (transport.read(buffer) < 0) {
        throw new EOFException("the other end closed the connection");
      }
    } finally {
      liveness.heard();
      buffer.flip();
    }
  }
}
