package io.mapfs.server.overlay;

import io.mapfs.core.fs.Name;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * A row's key, and what it stands for.
 *
 * <pre>
 *   u64 overlay | u8 kind | u64 inode or parent | kind 1, 2: nothing
 *                                               | kind 3:    u64 block index
 *                                               | kind 4:    name bytes, u8 0
 *   in the table followed by u64 not(sequence), so that newer versions of a row come first
 * </pre>
 *
 * Compared and hashed by its bytes.
 */
public final class RowKey implements Comparable<RowKey> {
  public static final byte INODE = 1;
  public static final byte XATTRS = 2;
  public static final byte BLOCK = 3;
  public static final byte DENTRY = 4;

  static final int OVERLAY_BYTES = Long.BYTES;
  private static final int KIND_AT = OVERLAY_BYTES;
  private static final int INO_AT = KIND_AT + 1;
  private static final int TAIL_AT = INO_AT + Long.BYTES;

  private final byte[] bytes;

  private RowKey(byte[] bytes) {
    this.bytes = bytes;
  }

  public static RowKey inode(long overlayId, long ino) {
    return new RowKey(start(overlayId, INODE, ino, 0).array());
  }

  public static RowKey xattrs(long overlayId, long ino) {
    return new RowKey(start(overlayId, XATTRS, ino, 0).array());
  }

  public static RowKey block(long overlayId, long ino, long blockIndex) {
    return new RowKey(start(overlayId, BLOCK, ino, Long.BYTES).putLong(blockIndex).array());
  }

  public static RowKey dentry(long overlayId, long parentIno, Name name) {
    return new RowKey(
        start(overlayId, DENTRY, parentIno, name.length() + 1).put(name.toBytes()).array());
  }

  /** Of a table key, its sequence cut off. */
  static RowKey ofVersioned(byte[] versioned) {
    return new RowKey(Arrays.copyOf(versioned, versioned.length - Long.BYTES));
  }

  /** Of its bytes, as {@link #toBytes} gave them. */
  static RowKey of(byte[] keyBytes) {
    return new RowKey(keyBytes.clone());
  }

  boolean isOfOverlay(long overlayId) {
    return bytes.length > INO_AT && ByteBuffer.wrap(bytes).getLong() == overlayId;
  }

  static long sequence(byte[] versioned) {
    return ~ByteBuffer.wrap(versioned).getLong(versioned.length - Long.BYTES);
  }

  /** Whether this is the row that the table key is a version of. */
  boolean isOf(byte[] versioned) {
    return versioned.length == bytes.length + Long.BYTES
        && Arrays.equals(bytes, 0, bytes.length, versioned, 0, bytes.length);
  }

  byte[] versioned(long sequence) {
    return ByteBuffer.allocate(bytes.length + Long.BYTES).put(bytes).putLong(~sequence).array();
  }

  /** The end (exclusive) of this row's versions. */
  byte[] versionsEnd() {
    return ByteBuffer.allocate(bytes.length + Long.BYTES).put(bytes).putLong(-1L).array();
  }

  byte[] toBytes() {
    return bytes.clone();
  }

  public byte kind() {
    return bytes[KIND_AT];
  }

  /** The inode's number; for a name, its parent's. */
  public long ino() {
    return ByteBuffer.wrap(bytes).getLong(INO_AT);
  }

  public long blockIndex() {
    return ByteBuffer.wrap(bytes).getLong(TAIL_AT);
  }

  public Name name() {
    return Name.of(Arrays.copyOfRange(bytes, TAIL_AT, bytes.length - 1));
  }

  /** Start of all rows of an overlay; with the next id, their end. */
  static byte[] overlayStart(long overlayId) {
    return ByteBuffer.allocate(OVERLAY_BYTES).putLong(overlayId).array();
  }

  /** Start of an overlay's rows of one kind; with the next kind, their end. */
  static byte[] kindStart(long overlayId, int kind) {
    return ByteBuffer.allocate(INO_AT).putLong(overlayId).put((byte) kind).array();
  }

  /** Start of one inode's (or directory's) rows of a kind; with the next number, their end. */
  static byte[] inodeStart(long overlayId, byte kind, long ino) {
    return start(overlayId, kind, ino, 0).array();
  }

  private static ByteBuffer start(long overlayId, byte kind, long ino, int tailBytes) {
    return ByteBuffer.allocate(TAIL_AT + tailBytes).putLong(overlayId).put(kind).putLong(ino);
  }

  @Override
  public int compareTo(RowKey other) {
    return Arrays.compareUnsigned(bytes, other.bytes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RowKey that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }
}
