package io.mapfs.core.wire;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * A message ready to be sent: its header and payload as the pieces to write one after the other.
 * Large payloads are the message's own buffers, not copies; they must not change until the frame
 * was written.
 */
public final class Frame {
  private final FrameHeader header;
  private final ByteBuffer[] parts;

  private Frame(FrameHeader header, ByteBuffer[] parts) {
    this.header = header;
    this.parts = parts;
  }

  /** A request of the sender's. */
  public static Frame request(int requestId, Priority priority, Message message) {
    return of(requestId, FrameHeader.flags(priority, false), message);
  }

  /** What answers the receiver's request. */
  public static Frame reply(int requestId, Priority priority, Message message) {
    return of(requestId, FrameHeader.flags(priority, true), message);
  }

  private static Frame of(int requestId, int flags, Message message) {
    MessageWriter writer = new MessageWriter();
    int type = MessageCodec.encode(message, writer);
    List<ByteBuffer> payload = writer.finish();
    if (writer.lengthBytes() > Limits.MAX_FRAME_BYTES) {
      throw new IllegalArgumentException(
          message.getClass().getSimpleName()
              + " of "
              + writer.lengthBytes()
              + " bytes does not fit in a frame");
    }
    ByteBuffer[] parts = new ByteBuffer[payload.size() + 1];
    for (int i = 0; i < payload.size(); i++) {
      parts[i + 1] = payload.get(i);
    }
    ByteBuffer head = ByteBuffer.allocate(FrameHeader.BYTES);
    parts[0] = head;
    ByteBuffer[] body = payload.toArray(new ByteBuffer[0]);
    FrameHeader header = FrameHeader.of((int) writer.lengthBytes(), type, flags, requestId, body);
    header.putInto(head);
    head.flip();
    return new Frame(header, parts);
  }

  public FrameHeader header() {
    return header;
  }

  /** The pieces, each from position to limit. The caller may move the positions. */
  public ByteBuffer[] parts() {
    ByteBuffer[] views = new ByteBuffer[parts.length];
    for (int i = 0; i < parts.length; i++) {
      views[i] = parts[i].duplicate();
    }
    return views;
  }

  /** Size of header and payload. */
  public int lengthBytes() {
    return FrameHeader.BYTES + header.lengthBytes();
  }
}
