package io.mapfs.core.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/** A sealed pack's own index, at its end. */
final class PackFooter {
  private PackFooter() {}

  static ByteBuffer encode(SortedMap<BlockId, PackLocation> blocks, long offset) {
    ByteBuffer footer = ByteBuffer.allocate(length(blocks.size()));
    footer.putInt(PackFormat.FOOTER_MAGIC).putInt(blocks.size());
    for (Map.Entry<BlockId, PackLocation> block : blocks.entrySet()) {
      block.getKey().putInto(footer);
      PackLocation at = block.getValue();
      footer.putInt(at.offsetBytes()).putInt(at.rawBytes()).putInt(at.storedBytes());
    }
    footer.putInt((int) offset);
    CRC32C crc = new CRC32C();
    crc.update(footer.slice(0, footer.position()));
    footer.putInt((int) crc.getValue()).putInt(PackFormat.FOOTER_END_MAGIC);
    return footer.flip();
  }

  /** The blocks that a file's footer names; {@code null} where it ends in no whole footer. */
  static Content read(PackFile file) throws IOException {
    long size = file.size();
    if (size < PackFormat.FILE_HEADER_BYTES + length(0) || size > PackFormat.PACK_BYTES_MAX) {
      return null;
    }
    ByteBuffer tail =
        file.read(
            ByteBuffer.allocate(PackFormat.FOOTER_TAIL_BYTES), size - PackFormat.FOOTER_TAIL_BYTES);
    long offset = tail.getInt(0);
    if (tail.getInt(8) != PackFormat.FOOTER_END_MAGIC
        || offset < PackFormat.FILE_HEADER_BYTES
        || offset > size - length(0)) {
      return null;
    }
    ByteBuffer footer = file.read(ByteBuffer.allocate((int) (size - offset)), offset);
    CRC32C crc = new CRC32C();
    crc.update(footer.slice(0, footer.limit() - 8));
    int count = footer.getInt(4);
    if (footer.getInt() != PackFormat.FOOTER_MAGIC
        || (int) crc.getValue() != tail.getInt(4)
        || count < 0
        || footer.limit() != (long) PackFormat.FOOTER_ENTRY_BYTES * count + length(0)) {
      return null;
    }
    footer.position(PackFormat.FOOTER_HEAD_BYTES);
    List<Entry> entries = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      BlockId id = BlockId.take(footer);
      entries.add(
          new Entry(
              id,
              new PackLocation(file.number(), footer.getInt(), footer.getInt(), footer.getInt())));
    }
    return new Content(offset, entries);
  }

  static SortedMap<BlockId, PackLocation> sorted(List<Entry> entries) {
    SortedMap<BlockId, PackLocation> sorted = new TreeMap<>();
    entries.forEach(entry -> sorted.put(entry.id(), entry.location()));
    return sorted;
  }

  private static int length(int blocks) {
    return PackFormat.FOOTER_HEAD_BYTES
        + blocks * PackFormat.FOOTER_ENTRY_BYTES
        + PackFormat.FOOTER_TAIL_BYTES;
  }

  /**
   * @param offsetBytes where the footer begins and the blocks end
   * @param entries ascending by id
   */
  record Content(long offsetBytes, List<Entry> entries) {}

  record Entry(BlockId id, PackLocation location) {}
}
