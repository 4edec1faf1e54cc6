package io.mapfs.fuse.kernel;

import java.nio.ByteBuffer;

/**
 * {@code struct fuse_out_header}, in front of every reply and notification. {@code error} is 0 or a
 * negative errno; in a notification it is the code and {@code unique} is 0.
 *
 * <pre>
 *   0        4        8                16
 *  +--------+--------+----------------+
 *  |  len   | error  |     unique     |
 *  +--------+--------+----------------+
 * </pre>
 */
final class OutHeader {
  static final int LENGTH = 0;
  static final int ERROR = 4;
  static final int UNIQUE = 8;
  static final int BYTES = 16;

  private OutHeader() {}

  static void put(ByteBuffer out, int length, int error, long unique) {
    out.putInt(LENGTH, length).putInt(ERROR, error).putLong(UNIQUE, unique);
  }
}
