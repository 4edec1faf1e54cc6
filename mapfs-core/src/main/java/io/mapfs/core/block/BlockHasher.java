package io.mapfs.core.block;

import java.nio.ByteBuffer;

/** The ids of contents. */
public final class BlockHasher {
  private BlockHasher() {}

  /** The id of the bytes from position to limit, in the heap or direct; the buffer is untouched. */
  public static BlockId id(ByteBuffer content) {
    return LeafHashes.id(LeafHashes.of(content));
  }

  /** The id of {@code content[offset, offset + length)}. */
  public static BlockId id(byte[] content, int offset, int length) {
    return LeafHashes.id(LeafHashes.of(content, offset, length));
  }
}
