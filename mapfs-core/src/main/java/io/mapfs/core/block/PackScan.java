package io.mapfs.core.block;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Walks over a pack's blocks in the order of the file. */
final class PackScan {
  private static final int WINDOW_BYTES = 64 << 10;

  private final PackFile file;
  private final ByteBuffer buffer =
      ByteBuffer.allocate(
          PackFormat.BLOCK_HEADER_BYTES + BlockId.BLOCK_BYTES + StoredBlock.SEAL_BYTES);

  PackScan(PackFile file) {
    this.file = file;
  }

  /**
   * Visits whole blocks whose checksum is right, until one is not or the end is reached.
   *
   * @return where it stopped: {@code to}, or the offset of what is no such block
   */
  long walk(long from, long to, Visitor visitor) throws IOException {
    long offset = from;
    while (offset < to) {
      StoredBlock block = blockAt(offset, to);
      if (block == null) {
        return offset;
      }
      int storedBytes = block.payload().remaining();
      visitor.block(
          new PackFooter.Entry(
              block.id(),
              new PackLocation(file.number(), (int) offset, block.rawBytes(), storedBytes)),
          block);
      offset += PackFormat.BLOCK_HEADER_BYTES + storedBytes;
    }
    return offset;
  }

  /** As {@link #walk}, but believes what the headers say and leaves payloads unread. */
  long walkHeaders(long from, long to, Visitor visitor) throws IOException {
    long offset = from;
    while (offset < to) {
      ByteBuffer header = header(offset, to);
      int claimed = header == null ? -1 : PackRecord.claimedBytes(header);
      if (claimed < 0 || claimed > to - offset) {
        return offset;
      }
      PackLocation location =
          new PackLocation(
              file.number(),
              (int) offset,
              header.getInt(12),
              claimed - PackFormat.BLOCK_HEADER_BYTES);
      visitor.block(new PackFooter.Entry(BlockId.take(header.position(20)), location), null);
      offset += claimed;
    }
    return offset;
  }

  /** The offset of the first whole block at or after this one; -1 for none. */
  long find(long from, long to) throws IOException {
    ByteBuffer window = ByteBuffer.allocate(WINDOW_BYTES);
    for (long start = from; start + PackFormat.BLOCK_HEADER_BYTES <= to; ) {
      file.read(window.clear(), start);
      int last = (int) Math.min(window.limit(), to - start) - Integer.BYTES;
      for (int i = 0; i <= last; i++) {
        if (window.getInt(i) == PackFormat.BLOCK_MAGIC && blockAt(start + i, to) != null) {
          return start + i;
        }
      }
      if (last < 0) {
        return -1;
      }
      start += last + 1;
    }
    return -1;
  }

  /** The id that the header there claims; {@code null} where it is no header. */
  BlockId claimedId(long offset, long to) throws IOException {
    ByteBuffer header = header(offset, to);
    return header == null || PackRecord.claimedBytes(header) < 0
        ? null
        : BlockId.take(header.position(20));
  }

  /** The block, whose payload is borrowed until the next call; {@code null} if it is none. */
  private StoredBlock blockAt(long offset, long to) throws IOException {
    ByteBuffer header = header(offset, to);
    int claimed = header == null ? -1 : PackRecord.claimedBytes(header);
    if (claimed < 0 || claimed > to - offset) {
      return null;
    }
    return PackRecord.decode(file.read(buffer.clear().limit(claimed), offset));
  }

  private ByteBuffer header(long offset, long to) throws IOException {
    if (to - offset < PackFormat.BLOCK_HEADER_BYTES) {
      return null;
    }
    file.read(buffer.clear().limit(PackFormat.BLOCK_HEADER_BYTES), offset);
    return buffer.limit() == PackFormat.BLOCK_HEADER_BYTES ? buffer : null;
  }

  /** Is given each block; may borrow it until return. */
  interface Visitor {
    void block(PackFooter.Entry entry, StoredBlock block) throws IOException;
  }
}
