package io.mapfs.core.block;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/** Reads every block of every pack and compares checksum and hash. */
final class PackVerification {
  private static final long REPORT_BYTES = 8L << 20;

  private final OpenPacks packs;
  private final PackIndex index;
  private final VerifyProgress progress;
  private final List<BlockFault> faults = new ArrayList<>();
  private long totalBytes;
  private long checkedBytes;
  private long reportedBytes;

  PackVerification(OpenPacks packs, PackIndex index, VerifyProgress progress) {
    this.packs = packs;
    this.index = index;
    this.progress = progress;
  }

  List<BlockFault> run() throws IOException {
    SortedMap<Integer, PackRow> rows = index.packs();
    for (PackRow row : rows.values()) {
      totalBytes += row.durableBytes();
    }
    Map<Integer, long[]> blocksMissing = new HashMap<>();
    for (Map.Entry<Integer, PackRow> row : rows.entrySet()) {
      int number = row.getKey();
      if (!Files.exists(packs.path(number))) {
        faults.add(new BlockFault(packs.path(number), 0, null, "the file is missing"));
        continue;
      }
      // A file of its own: the readers' may be closed at any time.
      try (PackFile file = PackFile.openForReading(number, packs.path(number))) {
        blocksMissing.put(number, new long[] {-verify(file, row.getValue())});
      }
    }
    index.forEach(
        (id, location) -> {
          long[] missing = blocksMissing.get(location.pack());
          if (missing != null) {
            missing[0]++;
          }
        });
    blocksMissing.forEach(
        (number, missing) -> {
          if (missing[0] > 0) {
            faults.add(
                new BlockFault(
                    packs.path(number),
                    0,
                    null,
                    "the index names " + missing[0] + " blocks that are not there"));
          }
        });
    progress.advanced(totalBytes, totalBytes);
    return List.copyOf(faults);
  }

  /** Returns the number of blocks, damaged ones included. */
  private long verify(PackFile file, PackRow row) throws IOException {
    long before = checkedBytes;
    int faultsBefore = faults.size();
    if (!PackHeader.isRight(file)) {
      faults.add(new BlockFault(file.path(), 0, null, "the file's header is not what was written"));
    }
    Map<Long, BlockId> ids = new HashMap<>();
    if (row.state() == PackRow.SEALED) {
      PackFooter.Content footer = PackFooter.read(file);
      if (footer == null || footer.offsetBytes() != row.durableBytes()) {
        faults.add(
            new BlockFault(
                file.path(), row.durableBytes(), null, "the footer is not what was written"));
      } else {
        footer
            .entries()
            .forEach(entry -> ids.put((long) entry.location().offsetBytes(), entry.id()));
      }
    }
    long size = file.size();
    long end = Math.min(size, row.durableBytes());
    if (size < row.durableBytes()) {
      faults.add(
          new BlockFault(
              file.path(), size, null, "the file ends there instead of at " + row.durableBytes()));
    }
    long[] blocks = {0};
    PackScan scan = new PackScan(file);
    long offset = PackFormat.FILE_HEADER_BYTES;
    while (true) {
      offset =
          scan.walk(
              offset,
              end,
              (entry, block) -> {
                blocks[0]++;
                verify(file, entry, block);
                report(before + entry.location().offsetBytes());
              });
      if (offset >= end) {
        break;
      }
      BlockId id = ids.get(offset);
      faults.add(
          new BlockFault(
              file.path(),
              offset,
              id == null ? scan.claimedId(offset, end) : id,
              "the block's header or checksum is not what was written"));
      long next = scan.find(offset + 1, end);
      if (next < 0) {
        break;
      }
      offset = next;
    }
    checkedBytes = before + row.durableBytes();
    // Where one thing is damaged, the number of blocks says nothing more.
    return faults.size() > faultsBefore ? row.statistics().blocks() : blocks[0];
  }

  private void verify(PackFile file, PackFooter.Entry entry, StoredBlock block) {
    try {
      BlockCodec.decodeVerified(block);
    } catch (CorruptBlockException e) {
      faults.add(
          new BlockFault(
              file.path(),
              entry.location().offsetBytes(),
              entry.id(),
              "the content does not decode, or not to what its id says"));
    }
  }

  private void report(long bytes) {
    if (bytes - reportedBytes >= REPORT_BYTES) {
      reportedBytes = bytes;
      progress.advanced(bytes, totalBytes);
    }
  }
}
