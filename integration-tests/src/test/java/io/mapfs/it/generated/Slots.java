package io.mapfs.it.generated;

import java.nio.ByteBuffer;
import java.util.Random;

/**
 * Files made of slots of 512 bytes. A slot is written by one process only, whole, and is zeros or
 * what that process once wrote there: that can be told from its bytes alone.
 */
final class Slots {
  static final int BYTES = 512;

  private static final int SEQUENCE = 8;

  private Slots() {}

  /** A slot's content; {@code sequence} is not negative. */
  static byte[] content(long slot, long sequence) {
    byte[] bytes = new byte[BYTES];
    new Random(slot * 31 + sequence).nextBytes(bytes);
    ByteBuffer.wrap(bytes).putLong(0, slot + 1).putLong(SEQUENCE, sequence);
    return bytes;
  }

  /** Whether these bytes can stand at that slot. */
  static boolean isValid(long slot, byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    if (buffer.getLong(0) == 0) {
      return buffer.equals(ByteBuffer.allocate(BYTES));
    }
    return buffer.equals(ByteBuffer.wrap(content(slot, buffer.getLong(SEQUENCE))));
  }
}
