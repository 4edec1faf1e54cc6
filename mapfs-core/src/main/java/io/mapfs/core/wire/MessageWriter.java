package io.mapfs.core.wire;

import io.mapfs.core.block.BlockId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Collects a payload: small values in a growing array, large buffers as they are. Not for use by
 * several threads.
 */
final class MessageWriter {
  /** Buffers from this size on are passed on rather than copied. */
  private static final int PASSED_ON_BYTES = 1024;

  private static final int FIRST_BYTES = 256;

  private final List<ByteBuffer> finished = new ArrayList<>();
  private ByteBuffer current = ByteBuffer.allocate(FIRST_BYTES);
  private long finishedBytes;

  MessageWriter u8(int value) {
    room(1).put((byte) value);
    return this;
  }

  MessageWriter u16(int value) {
    room(2).putShort((short) value);
    return this;
  }

  MessageWriter u32(int value) {
    room(4).putInt(value);
    return this;
  }

  MessageWriter u64(long value) {
    room(8).putLong(value);
    return this;
  }

  MessageWriter id(BlockId id) {
    id.putInto(room(BlockId.BYTES));
    return this;
  }

  MessageWriter raw(byte[] bytes) {
    room(bytes.length).put(bytes);
    return this;
  }

  /** Length in two bytes, then UTF-8. */
  MessageWriter string(String text, int mostBytes) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length > mostBytes) {
      throw new IllegalArgumentException(
          "text of " + bytes.length + " bytes, where at most " + mostBytes + " are allowed");
    }
    return u16(bytes.length).raw(bytes);
  }

  /** Length in four bytes, then the bytes. */
  MessageWriter bytes(byte[] bytes) {
    return u32(bytes.length).raw(bytes);
  }

  /** The buffer's bytes from position to limit; the buffer is not moved. */
  MessageWriter payload(ByteBuffer bytes) {
    if (bytes.remaining() < PASSED_ON_BYTES) {
      room(bytes.remaining()).put(bytes.duplicate());
    } else {
      seal();
      finished.add(bytes.duplicate());
      finishedBytes += bytes.remaining();
    }
    return this;
  }

  long lengthBytes() {
    return finishedBytes + current.position();
  }

  /** The pieces in order; the writer is not to be used afterwards. */
  List<ByteBuffer> finish() {
    seal();
    return finished;
  }

  private void seal() {
    if (current.position() > 0) {
      ByteBuffer piece = current.duplicate().flip();
      finished.add(piece);
      finishedBytes += piece.remaining();
      current = current.slice(current.position(), current.capacity() - current.position());
    }
  }

  private ByteBuffer room(int bytes) {
    if (current.remaining() < bytes) {
      int grown =
          Math.max(FIRST_BYTES, Math.max(2 * current.capacity(), current.position() + bytes));
      current = ByteBuffer.allocate(grown).put(current.flip());
    }
    return current;
  }
}
