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
public final class InHeader {
  public static final int LENGTH = 0;
  public static final int OPCODE = 4;
  public static final int UNIQUE = 8;
  public static final int NODE = 16;
  public static final int UID = 24;
  public static final int GID = 28;
  public static final int PID = 32;

  /** Length of the extensions behind the body (u16), in units of eight bytes. */
  public static final int EXTENSIONS = 36;

  public static final int BYTES = 40;

  private InHeader() {}
}
