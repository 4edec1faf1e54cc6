package io.mapfs.core.wire;

import io.mapfs.core.block.BlockId;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Takes a payload apart; every length is checked against what is there before it is used. */
final class MessageReader {
  private final ByteBuffer buffer;

  MessageReader(ByteBuffer payload) {
    this.buffer = payload.slice().order(ByteOrder.BIG_ENDIAN);
  }

  int u8() throws MalformedMessageException {
    need(1);
    return Byte.toUnsignedInt(buffer.get());
  }

  int u16() throws MalformedMessageException {
    need(2);
    return Short.toUnsignedInt(buffer.getShort());
  }

  /** A number of at most {@code most}. */
  int count(int most) throws MalformedMessageException {
    int value = i32();
    if (value < 0 || value > most) {
      throw new MalformedMessageException(
          "a count of " + Integer.toUnsignedLong(value) + ", where at most " + most + " may be");
    }
    return value;
  }

  /** The number of items that follow, each of at least {@code itemBytes}. */
  int count(int most, int itemBytes) throws MalformedMessageException {
    int count = count(most);
    need((long) count * itemBytes);
    return count;
  }

  int i32() throws MalformedMessageException {
    need(4);
    return buffer.getInt();
  }

  long i64() throws MalformedMessageException {
    need(8);
    return buffer.getLong();
  }

  /** A number that is not negative. */
  long size() throws MalformedMessageException {
    long value = i64();
    if (value < 0) {
      throw new MalformedMessageException("a number is negative or too large");
    }
    return value;
  }

  boolean flag() throws MalformedMessageException {
    int value = u8();
    if (value > 1) {
      throw new MalformedMessageException("a flag is neither 0 nor 1");
    }
    return value == 1;
  }

  BlockId id() throws MalformedMessageException {
    need(BlockId.BYTES);
    return BlockId.take(buffer);
  }

  byte[] raw(int length) throws MalformedMessageException {
    need(length);
    byte[] bytes = new byte[length];
    buffer.get(bytes);
    return bytes;
  }

  /** Length in four bytes, then the bytes. */
  byte[] bytes(int most) throws MalformedMessageException {
    return raw(count(most, 1));
  }

  /** Length in two bytes, then UTF-8. */
  String string(int mostBytes) throws MalformedMessageException {
    int length = u16();
    if (length > mostBytes) {
      throw new MalformedMessageException(
          "text of " + length + " bytes, where at most " + mostBytes + " may be");
    }
    ByteBuffer text = payload(length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(text).toString();
    } catch (CharacterCodingException e) {
      throw new MalformedMessageException("text is not UTF-8", e);
    }
  }

  /** A view of the next {@code length} bytes. */
  ByteBuffer payload(int length) throws MalformedMessageException {
    need(length);
    ByteBuffer view = buffer.slice(buffer.position(), length);
    buffer.position(buffer.position() + length);
    return view;
  }

  /** What is left, for a decoder that moves the position past what it takes. */
  ByteBuffer rest() {
    return buffer;
  }

  int remaining() {
    return buffer.remaining();
  }

  void end() throws MalformedMessageException {
    if (buffer.hasRemaining()) {
      throw new MalformedMessageException(buffer.remaining() + " bytes too many in a message");
    }
  }

  private void need(long bytes) throws MalformedMessageException {
    if (buffer.remaining() < bytes) {
      throw new MalformedMessageException("a message is cut short");
    }
  }
}
