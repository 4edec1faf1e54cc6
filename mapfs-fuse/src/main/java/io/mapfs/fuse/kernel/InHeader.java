package io.mapfs.fuse.kernel;

/**
 * {@code struct fuse_in_header}, in front of every request.
 *
 * <pre>
 *   0        4        8                16               24
 *  +--------+--------+----------------+----------------+
 *  |  len   | opcode |     unique     |     nodeid     |
 *  +--------+--------+--------+-------++--------+------+
 *  |  uid   |  gid   |  pid   |extlen | padding |
 *  +--------+--------+--------+-------+---------+
 *  24       28       32       36      38        40
 * </pre>
 */
final class InHeader {
  static final int LENGTH = 0;
  static final int OPCODE = 4;
  static final int UNIQUE = 8;
  static final int NODE = 16;
  static final int UID = 24;
  static final int GID = 28;
  static final int PID = 32;

  /** Length of the extensions behind the body (u16), in units of eight bytes. */
  static final int EXTENSIONS = 36;

  static final int BYTES = 40;

  private InHeader() {}
}
