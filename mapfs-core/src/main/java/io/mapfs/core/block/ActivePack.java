package io.mapfs.core.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The pack that is appended to. Protected by the store's append lock, but for {@link #force} and
 * reads of the file.
 */
final class ActivePack {
  private final PackFile file;
  private final List<PackFooter.Entry> entries;
  private BlockStatistics statistics;
  private long endBytes;

  /** How many of {@link #entries} are in the durable index. */
  private int indexed;

  /** A write or sync failed: what the disk holds is unknown, so nothing may follow. */
  private volatile boolean failed;

  ActivePack(PackFile file, List<PackFooter.Entry> entries, long endBytes) {
    this.file = file;
    this.entries = entries;
    this.endBytes = endBytes;
    this.indexed = entries.size();
    BlockStatistics sum = BlockStatistics.NONE;
    for (PackFooter.Entry entry : entries) {
      sum = sum.plusBlock(entry.location().storedBytes(), entry.location().rawBytes());
    }
    this.statistics = sum;
  }

  PackFile file() {
    return file;
  }

  boolean isFull(int sealBlocks) {
    return endBytes >= PackFormat.SEAL_BYTES || entries.size() >= sealBlocks;
  }

  /**
   * Appends a block. After a failure the pack ends where it ended before.
   *
   * @throws IOException no space, or another fault of the disk
   */
  PackLocation append(StoredBlock block, ByteBuffer record) throws IOException {
    requireSound();
    PackLocation location =
        new PackLocation(
            file.number(),
            (int) endBytes,
            block.rawBytes(),
            record.remaining() - PackFormat.BLOCK_HEADER_BYTES);
    try {
      file.write(record, endBytes);
    } catch (IOException e) {
      throw new IOException(
          "cannot write to pack "
              + file.path()
              + ": "
              + e.getMessage()
              + "; what was stored before is safe",
          e);
    }
    endBytes += location.recordBytes();
    entries.add(new PackFooter.Entry(block.id(), location));
    statistics = statistics.plusBlock(location.storedBytes(), location.rawBytes());
    return location;
  }

  /** All blocks. */
  List<PackFooter.Entry> entries() {
    return List.copyOf(entries);
  }

  /** What is not yet in the durable index. */
  List<PackFooter.Entry> unindexed() {
    return List.copyOf(entries.subList(indexed, entries.size()));
  }

  /** The first so many of {@link #unindexed} are now. */
  void indexed(int count) {
    indexed += count;
  }

  PackRow row(byte state) {
    return new PackRow(state, endBytes, statistics);
  }

  /** Makes the content durable. After a failure the pack takes no more. */
  void force() throws IOException {
    requireSound();
    try {
      file.force();
    } catch (IOException e) {
      failed = true;
      throw new IOException("cannot make pack " + file.path() + " durable: " + e.getMessage(), e);
    }
  }

  /** Writes the footer; durable on return. */
  void seal() throws IOException {
    ByteBuffer footer = PackFooter.encode(PackFooter.sorted(entries), endBytes);
    long length = endBytes + footer.remaining();
    try {
      file.write(footer, endBytes);
      file.truncate(length);
    } catch (IOException e) {
      throw new IOException("cannot seal pack " + file.path() + ": " + e.getMessage(), e);
    }
    force();
  }

  private void requireSound() throws IOException {
    if (failed) {
      throw new IOException(
          "pack "
              + file.path()
              + " takes no more since a sync failed: check the disk, then restart");
    }
  }
}
