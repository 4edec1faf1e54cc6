package io.mapfs.core.wire;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * The fixed header before each message's payload. All numbers are big-endian.
 *
 * <pre>
 *   0      4      8    9     10       12          16
 *   +------+------+----+-----+--------+-----------+--------- …
 *   |length|crc32c|type|flags|reserved| requestId | payload
 *   +------+------+----+-----+--------+-----------+--------- …
 * </pre>
 *
 * {@code length} counts the payload alone; {@code crc32c} covers everything after itself. Flags:
 * bits 0–1 hold the {@link Priority}; bit 2 is set in what answers a request of the receiver's. The
 * other bits, and {@code reserved}, are zero.
 *
 * @param lengthBytes size of the payload
 * @param crc32c checksum of the rest of the header and the payload
 * @param type number of the message's type, 1 to 255
 * @param flags as above
 * @param requestId pairs request and answer; each side numbers its own requests
 */
public record FrameHeader(int lengthBytes, int crc32c, int type, int flags, int requestId) {
  /** Size of the header. */
  public static final int BYTES = 16;

  private static final int TYPE_OFFSET = 8;
  private static final int PRIORITY_MASK = 0b0000_0011;
  private static final int REPLY_FLAG = 0b0000_0100;
  private static final int KNOWN_FLAGS = PRIORITY_MASK | REPLY_FLAG;

  /** The flags of a request of this priority, or of an answer. */
  static int flags(Priority priority, boolean reply) {
    return priority.code() | (reply ? REPLY_FLAG : 0);
  }

  /**
   * Reads a header; advances the buffer by {@link #BYTES}. The buffer must be big-endian.
   *
   * @param mostBytes bound of the payload's length
   * @throws MalformedMessageException if this is no header, or one of a longer payload
   */
  public static FrameHeader take(ByteBuffer buffer, int mostBytes)
      throws MalformedMessageException {
    int length = buffer.getInt();
    int crc = buffer.getInt();
    int type = Byte.toUnsignedInt(buffer.get());
    int flags = Byte.toUnsignedInt(buffer.get());
    int reserved = Short.toUnsignedInt(buffer.getShort());
    int requestId = buffer.getInt();
    if (type == 0 || (flags & ~KNOWN_FLAGS) != 0 || reserved != 0) {
      throw new MalformedMessageException("not a frame of the MapFS protocol");
    }
    if (length < 0 || length > mostBytes) {
      throw new MalformedMessageException(
          "a frame of "
              + Integer.toUnsignedLong(length)
              + " bytes, where at most "
              + mostBytes
              + " are allowed");
    }
    return new FrameHeader(length, crc, type, flags, requestId);
  }

  /** Whether the frame answers a request of the receiver's. */
  public boolean isReply() {
    return (flags & REPLY_FLAG) != 0;
  }

  public Priority priority() {
    return Priority.of(flags & PRIORITY_MASK);
  }

  /**
   * Checks the received payload.
   *
   * @param payload from position to limit; not moved
   * @throws MalformedMessageException if the checksum differs
   */
  public void verify(ByteBuffer payload) throws MalformedMessageException {
    ByteBuffer header = ByteBuffer.allocate(BYTES);
    putInto(header);
    header.position(TYPE_OFFSET).limit(BYTES);
    CRC32C crc = new CRC32C();
    crc.update(header);
    crc.update(payload.duplicate());
    if ((int) crc.getValue() != crc32c) {
      throw new MalformedMessageException("a frame's checksum is wrong: it was damaged on its way");
    }
  }

  /** A header whose checksum is right for the payload. */
  static FrameHeader of(int lengthBytes, int type, int flags, int requestId, ByteBuffer[] payload) {
    ByteBuffer header = ByteBuffer.allocate(BYTES);
    new FrameHeader(lengthBytes, 0, type, flags, requestId).putInto(header);
    header.position(TYPE_OFFSET).limit(BYTES);
    CRC32C crc = new CRC32C();
    crc.update(header);
    for (ByteBuffer part : payload) {
      crc.update(part.duplicate());
    }
    return new FrameHeader(lengthBytes, (int) crc.getValue(), type, flags, requestId);
  }

  void putInto(ByteBuffer target) {
    target
        .putInt(lengthBytes)
        .putInt(crc32c)
        .put((byte) type)
        .put((byte) flags)
        .putShort((short) 0)
        .putInt(requestId);
  }
}
