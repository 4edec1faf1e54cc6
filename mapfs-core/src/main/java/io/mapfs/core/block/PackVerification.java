package io.mapfs.core.block;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;

/** Reads every block of every pack and compares checksum and hash. */
final class PackVerification {
  private static final long REPORT_BYTES = 8L << 20;

  private final OpenPacks packs;
  private final PackIndex index;
  private final DamagedBlocks damaged;
  private final VerifyProgress progress;
  private final List<BlockFault> faults = new ArrayList<>();
  private long totalBytes;
  private long checkedBytes;
  private long reportedBytes;

  /** By number, the packs that have faults. */
  private final Map<Integer, Faulty> faulty = new HashMap<>();

  /**
   * A pack that has faults.
   *
   * @param wholeOffsets where its whole blocks begin
   * @param endBytes how far it was looked at
   */
  private record Faulty(Set<Integer> wholeOffsets, long endBytes) {
    boolean isWhole(PackLocation location) {
      return location.offsetBytes() >= endBytes || wholeOffsets.contains(location.offsetBytes());
    }
  }

  PackVerification(
      OpenPacks packs, PackIndex index, DamagedBlocks damaged, VerifyProgress progress) {
    this.packs = packs;
    this.index = index;
    this.damaged = damaged;
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
        faulty.put(number, new Faulty(Set.of(), Long.MAX_VALUE));
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
          if (!isWhole(location)) {
            damaged.add(id, location);
          }
        });
    damaged.removeIf((id, location) -> isWhole(location));
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

  private boolean isWhole(PackLocation location) {
    Faulty pack = faulty.get(location.pack());
    return pack == null || pack.isWhole(location);
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
    Set<Integer> whole = new HashSet<>();
    PackScan scan = new PackScan(file);
    long offset = PackFormat.FILE_HEADER_BYTES;
    while (true) {
      offset =
          scan.walk(
              offset,
              end,
              (entry, block) -> {
                blocks[0]++;
                if (verify(file, entry, block)) {
                  whole.add(entry.location().offsetBytes());
                }
                report(before + entry.location().offsetBytes());
              });
      if (offset >= end) {
        break;
      }
      BlockId id = ids.get(offset);
      addUnlessStoredAgain(
          file,
          offset,
          id == null ? scan.claimedId(offset, end) : id,
          "the block's header or checksum is not what was written");
      long next = scan.find(offset + 1, end);
      if (next < 0) {
        break;
      }
      offset = next;
    }
    checkedBytes = before + row.durableBytes();
    if (faults.size() > faultsBefore) {
      faulty.put(file.number(), new Faulty(whole, row.durableBytes()));
    }
    // Where one thing is damaged, the number of blocks says nothing more.
    return faults.size() > faultsBefore ? row.statistics().blocks() : blocks[0];
  }

  /** Returns whether the block is whole. */
  private boolean verify(PackFile file, PackFooter.Entry entry, StoredBlock block)
      throws IOException {
    if (block.isSealed()) {
      // Its checksum is right; more than that only its overlay's key can tell.
      return true;
    }
    try {
      BlockCodec.decodeVerified(block);
      return true;
    } catch (CorruptBlockException e) {
      addUnlessStoredAgain(
          file,
          entry.location().offsetBytes(),
          entry.id(),
          "the content does not decode, or not to what its id says");
      return false;
    }
  }

  /** A damaged copy is no fault once the index names another. */
  private void addUnlessStoredAgain(PackFile file, long offsetBytes, BlockId id, String what)
      throws IOException {
    PackLocation named = id == null ? null : index.get(id);
    if (named == null || (named.pack() == file.number() && named.offsetBytes() == offsetBytes)) {
      faults.add(new BlockFault(file.path(), offsetBytes, id, what));
    }
  }

  private void report(long bytes) {
    if (bytes - reportedBytes >= REPORT_BYTES) {
      reportedBytes = bytes;
      progress.advanced(bytes, totalBytes);
    }
  }
}
