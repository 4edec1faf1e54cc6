package io.mapfs.core.block;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Removes blocks that nothing names any more. Packs never change, so a pack of which enough is dead
 * is removed as a whole, after what lives in it was appended to the open one.
 *
 * <p>Beside everything else: from its beginning on every block counts as alive that somebody stores
 * or is told to be here. So whoever begins it marks what is named after that, and an upload that is
 * not named yet is either marked, or absent when it is asked for next.
 */
public final class PackSweep implements Closeable {
  /** A pack is removed once this share of its blocks' bytes is dead. */
  private static final double DEAD_SHARE = 0.25;

  private final PackStore store;
  private final OpenPacks packs;
  private final PackIndex index;

  /** Asked for or stored since the beginning. */
  private final Set<BlockId> touched;

  private int removedPacks;
  private long freedBytes;

  PackSweep(PackStore store, OpenPacks packs, PackIndex index, Set<BlockId> touched) {
    this.store = store;
    this.packs = packs;
    this.index = index;
    this.touched = touched;
  }

  /**
   * What was removed.
   *
   * @param freedBytes bytes of packs that are gone, less what was appended for it
   */
  public record Result(int packs, long freedBytes) {}

  /**
   * Sweeps.
   *
   * @param marked whether something names the block; wrongly saying so keeps it
   */
  public Result run(Predicate<BlockId> marked, VerifyProgress progress) throws IOException {
    Predicate<BlockId> live = id -> marked.test(id) || touched.contains(id);
    store.sealIf(entries -> isWorthwhile(current(entries), entries, live));
    Map<Integer, PackRow> rows = index.packs();
    long totalBytes = 0;
    for (PackRow row : rows.values()) {
      totalBytes += row.durableBytes();
    }
    long doneBytes = 0;
    for (Map.Entry<Integer, PackRow> row : rows.entrySet()) {
      if (row.getValue().state() == PackRow.SEALED) {
        sweep(row.getKey(), row.getValue(), live);
      }
      doneBytes += row.getValue().durableBytes();
      progress.advanced(doneBytes, totalBytes);
    }
    return new Result(removedPacks, freedBytes);
  }

  private void sweep(int number, PackRow row, Predicate<BlockId> live) throws IOException {
    if (!Files.exists(packs.path(number))) {
      return;
    }
    try (PackFile file = PackFile.openForReading(number, packs.path(number))) {
      PackFooter.Content footer = PackFooter.read(file);
      if (footer == null) {
        return; // Damaged: what it holds is for the administrator to restore.
      }
      List<PackFooter.Entry> current = current(footer.entries());
      if (!isWorthwhile(current, footer.entries(), live)) {
        return;
      }
      long copiedBytes = 0;
      Set<BlockId> copied = new HashSet<>();
      while (true) {
        for (PackFooter.Entry entry : current) {
          if (live.test(entry.id()) && copied.add(entry.id())) {
            StoredBlock block = read(file, entry);
            if (block == null) {
              return; // Damaged, and wanted: stays as it is.
            }
            store.append(block);
            copiedBytes += entry.location().recordBytes();
          }
        }
        store.sync();
        List<BlockId> dead = new ArrayList<>();
        current.forEach(
            entry -> {
              if (!copied.contains(entry.id())) {
                dead.add(entry.id());
              }
            });
        if (store.removeUnless(number, row, dead, touched::contains)) {
          break;
        }
      }
      freedBytes += file.size() - copiedBytes;
    }
    removedPacks++;
    packs.forget(number);
    Files.delete(packs.path(number));
    try (FileChannel parent =
        FileChannel.open(packs.path(number).getParent(), StandardOpenOption.READ)) {
      parent.force(true);
    }
  }

  private static StoredBlock read(PackFile file, PackFooter.Entry entry) throws IOException {
    ByteBuffer record =
        file.read(
            ByteBuffer.allocate(entry.location().recordBytes()), entry.location().offsetBytes());
    StoredBlock block =
        record.limit() == entry.location().recordBytes() ? PackRecord.decode(record) : null;
    return block == null || !block.id().equals(entry.id()) ? null : block;
  }

  /** Those that are read from there; the others were stored again elsewhere. */
  private List<PackFooter.Entry> current(List<PackFooter.Entry> entries) throws IOException {
    List<PackFooter.Entry> current = new ArrayList<>();
    for (PackFooter.Entry entry : entries) {
      if (entry.location().equals(index.get(entry.id()))) {
        current.add(entry);
      }
    }
    return current;
  }

  private static boolean isWorthwhile(
      List<PackFooter.Entry> current, List<PackFooter.Entry> all, Predicate<BlockId> live) {
    long totalBytes = 0;
    for (PackFooter.Entry entry : all) {
      totalBytes += entry.location().recordBytes();
    }
    long liveBytes = 0;
    for (PackFooter.Entry entry : current) {
      liveBytes += live.test(entry.id()) ? entry.location().recordBytes() : 0;
    }
    return totalBytes > 0 && totalBytes - liveBytes >= DEAD_SHARE * totalBytes;
  }

  /** Ends it: what is stored or asked for from now on need not be noted. */
  @Override
  public void close() {
    store.endSweep();
  }
}
