package io.mapfs.core.block;

import java.nio.ByteBuffer;
import java.util.HexFormat;

/**
 * A block's address: the SHA-256 of its leaf hashes.
 *
 * <p>A block is cut into leaves of {@value #LEAF_BYTES} bytes (the last may be shorter). Each leaf
 * is hashed with SHA-256, and the id is the SHA-256 of the leaf hashes in order, so that one leaf
 * can be verified with the leaf hashes alone.
 *
 * <p>Held as four longs: no array to guard, cheap to compare. Big-endian, so that the numeric order
 * is the bytes' order.
 */
public record BlockId(long a, long b, long c, long d) implements Comparable<BlockId> {
  /** Size of an id in bytes. */
  public static final int BYTES = 32;

  /**
   * Most content bytes in one block. Blocks are cut at fixed offsets, so only a file's last is
   * shorter.
   */
  public static final int BLOCK_BYTES = 128 * 1024;

  /** Content bytes under one leaf hash. */
  public static final int LEAF_BYTES = 4096;

  /** Most leaves in a block. */
  public static final int LEAVES = BLOCK_BYTES / LEAF_BYTES;

  /** The hash algorithm's number in formats: SHA-256 over SHA-256 leaves. */
  public static final byte ALGORITHM_SHA256_LEAVES = 1;

  /** Takes 32 bytes at the buffer's position, which advances. The buffer must be big-endian. */
  public static BlockId take(ByteBuffer buffer) {
    return new BlockId(buffer.getLong(), buffer.getLong(), buffer.getLong(), buffer.getLong());
  }

  public static BlockId of(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException("a block id has 32 bytes, not " + bytes.length);
    }
    return take(ByteBuffer.wrap(bytes));
  }

  /** Puts the 32 bytes at the buffer's position. The buffer must be big-endian. */
  public void putInto(ByteBuffer buffer) {
    buffer.putLong(a).putLong(b).putLong(c).putLong(d);
  }

  public byte[] toBytes() {
    ByteBuffer buffer = ByteBuffer.allocate(BYTES);
    putInto(buffer);
    return buffer.array();
  }

  @Override
  public int compareTo(BlockId other) {
    int order = Long.compareUnsigned(a, other.a);
    if (order == 0) {
      order = Long.compareUnsigned(b, other.b);
    }
    if (order == 0) {
      order = Long.compareUnsigned(c, other.c);
    }
    return order == 0 ? Long.compareUnsigned(d, other.d) : order;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(a);
  }

  /** 64 hexadecimal digits. */
  @Override
  public String toString() {
    return HexFormat.of().formatHex(toBytes());
  }
}
