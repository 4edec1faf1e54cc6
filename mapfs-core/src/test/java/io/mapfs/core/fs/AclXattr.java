package io.mapfs.core.fs;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The value of an ACL's xattr (linux/posix_acl_xattr.h), good or bad. */
public final class AclXattr {
  private AclXattr() {}

  /** Each entry is tag, permissions and id. */
  public static byte[] of(int[]... entries) {
    ByteBuffer buffer =
        ByteBuffer.allocate(4 + 8 * entries.length).order(ByteOrder.LITTLE_ENDIAN).putInt(2);
    for (int[] entry : entries) {
      buffer.putShort((short) entry[0]).putShort((short) entry[1]).putInt(entry[2]);
    }
    return buffer.array();
  }
}
