package io.mapfs.fuse.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Encodes requests as the kernel does. */
final class Request {
  static final int UID = 1000;
  static final int GID = 1001;

  /** More than Linux gives any process (PID_MAX_LIMIT). */
  static final int PID = 4_711_000;

  private final ByteBuffer bytes =
      ByteBuffer.allocate(Exchange.REQUEST_BYTES_MAX).order(ByteOrder.nativeOrder());

  private Request(int opcode, long unique, long node) {
    bytes.putInt(0).putInt(opcode).putLong(unique).putLong(node);
    bytes.putInt(UID).putInt(GID).putInt(PID).putInt(0);
  }

  static Request of(Opcode opcode, long unique, long node) {
    return new Request(opcode.number(), unique, node);
  }

  static Request ofNumber(int opcode, long unique, long node) {
    return new Request(opcode, unique, node);
  }

  Request pid(int pid) {
    bytes.putInt(InHeader.PID, pid);
    return this;
  }

  Request u32(int... values) {
    for (int value : values) {
      bytes.putInt(value);
    }
    return this;
  }

  Request u64(long... values) {
    for (long value : values) {
      bytes.putLong(value);
    }
    return this;
  }

  /** A string and its NUL. */
  Request name(String name) {
    return data(name.getBytes(StandardCharsets.UTF_8)).data(new byte[1]);
  }

  Request data(byte... data) {
    bytes.put(data);
    return this;
  }

  byte[] toBytes() {
    byte[] copy = new byte[bytes.position()];
    bytes.putInt(InHeader.LENGTH, copy.length);
    bytes.get(0, copy);
    return copy;
  }
}
