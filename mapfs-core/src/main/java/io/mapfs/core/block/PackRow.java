package io.mapfs.core.block;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * What the index keeps of a pack: format version (1), state (1), durable length, blocks, stored and
 * raw bytes (8 each).
 *
 * @param durableBytes all blocks below are durable and in the index
 */
record PackRow(byte state, long durableBytes, BlockStatistics statistics) {
  /** Is appended to. */
  static final byte OPEN = 0;

  /** Has its footer and never changes. */
  static final byte SEALED = 1;

  /** Was found damaged while open: read from, never appended to, has no footer. */
  static final byte DAMAGED = 2;

  private static final byte VERSION = 1;
  private static final int BYTES = 34;

  byte[] toBytes() {
    return ByteBuffer.allocate(BYTES)
        .put(VERSION)
        .put(state)
        .putLong(durableBytes)
        .putLong(statistics.blocks())
        .putLong(statistics.storedBytes())
        .putLong(statistics.rawBytes())
        .array();
  }

  static PackRow of(byte[] bytes) throws IOException {
    ByteBuffer source = ByteBuffer.wrap(bytes);
    byte version = source.get();
    if (version != VERSION || bytes.length != BYTES) {
      throw new IOException(
          "the index of the packs has rows of format version "
              + version
              + ", this program reads version 1: update the program, or remove the index and it"
              + " will be made again from the packs");
    }
    return new PackRow(
        source.get(),
        source.getLong(),
        new BlockStatistics(source.getLong(), source.getLong(), source.getLong()));
  }
}
