package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.Name;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Messages that the daemon sends unasked ({@code enum fuse_notify_code}): an {@link OutHeader}
 * whose {@code error} is the code and whose {@code unique} is 0, and a body.
 *
 * <pre>
 *  INVAL_INODE  (2):  u64 nodeid | s64 off | s64 len
 *  INVAL_ENTRY  (3):  u64 parent | u32 namelen | u32 flags | name | NUL
 *  STORE        (4):  u64 nodeid | u64 offset | u32 size | u32 padding | data
 * </pre>
 */
public final class Notification {
  private static final int INVAL_INODE = 2;
  private static final int INVAL_ENTRY = 3;
  private static final int STORE = 4;

  /** Bytes before the data that is stored. */
  static final int STORE_HEADER_BYTES = OutHeader.BYTES + 24;

  private Notification() {}

  /**
   * Drops a node's cached attributes and its cached data from an offset on.
   *
   * @param offsetBytes negative: attributes only
   * @param lengthBytes 0: to the end
   */
  public static ByteBuffer invalidateInode(long node, long offsetBytes, long lengthBytes) {
    ByteBuffer out = begin(24);
    out.putLong(node).putLong(offsetBytes).putLong(lengthBytes);
    return seal(out, INVAL_INODE);
  }

  /** Drops a cached entry, a negative one too. */
  public static ByteBuffer invalidateEntry(long parent, Name name) {
    ByteBuffer out = begin(16 + name.length() + 1);
    out.putLong(parent).putInt(name.length()).putInt(0);
    name.putInto(out);
    out.put((byte) 0);
    return seal(out, INVAL_ENTRY);
  }

  /**
   * Makes the bytes behind {@link #STORE_HEADER_BYTES} a node's content from its start on.
   *
   * @param message from the header's place to the end of the data
   */
  static ByteBuffer store(ByteBuffer message, long node) {
    int size = message.remaining() - STORE_HEADER_BYTES;
    message.putLong(OutHeader.BYTES, node).putLong(OutHeader.BYTES + 8, 0);
    message.putInt(OutHeader.BYTES + 16, size).putInt(OutHeader.BYTES + 20, 0);
    OutHeader.put(message, message.remaining(), STORE, 0);
    return message;
  }

  private static ByteBuffer begin(int bodyBytes) {
    return ByteBuffer.allocateDirect(OutHeader.BYTES + bodyBytes)
        .order(ByteOrder.nativeOrder())
        .position(OutHeader.BYTES);
  }

  private static ByteBuffer seal(ByteBuffer out, int code) {
    OutHeader.put(out, out.position(), code, 0);
    return out.flip();
  }
}
