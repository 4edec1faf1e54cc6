package io.mapfs.core.block;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings one pack and its index row together when a store is opened.
 *
 * <p>A pack that the row calls open is cut after its last whole block: what stood there was not yet
 * synced. Damage below the durable length is not cut: the pack is left as it is and takes no more.
 * A pack without a row is indexed anew, from its footer or block by block. A block that stands in
 * two packs is read from the newer one: it was stored again because the older copy was damaged.
 */
final class PackRecovery {
  private static final Logger log = LoggerFactory.getLogger(PackRecovery.class);

  private final Path directory;
  private final OpenPacks packs;
  private final PackIndex index;

  PackRecovery(Path directory, OpenPacks packs, PackIndex index) {
    this.directory = directory;
    this.packs = packs;
    this.index = index;
  }

  /**
   * The pack, if it can be appended to; else {@code null}, and the index has its row.
   *
   * @param row {@code null} where the index does not know the pack
   */
  ActivePack recover(int number, PackRow row) throws IOException {
    Path path = packs.path(number);
    if (row != null && row.state() != PackRow.OPEN) {
      long size = Files.size(path);
      if (size < row.durableBytes()) {
        warn(path, size, "it has only " + size + " bytes of " + row.durableBytes());
      }
      return null;
    }
    PackFile file = PackFile.openForAppending(number, path);
    ActivePack active = null;
    try {
      active = row == null ? index(file) : resume(file, row);
      return active;
    } finally {
      if (active == null) {
        file.close();
      }
    }
  }

  /** An open pack after a clean end or a crash. */
  private ActivePack resume(PackFile file, PackRow row) throws IOException {
    long size = file.size();
    PackFooter.Content footer = PackFooter.read(file);
    if (footer != null && footer.offsetBytes() >= row.durableBytes()) {
      // The crash came between the footer and the index.
      indexSealed(file, footer);
      return null;
    }
    List<PackFooter.Entry> entries = new ArrayList<>();
    PackScan scan = new PackScan(file);
    long end = PackFormat.FILE_HEADER_BYTES;
    if (PackHeader.isRight(file)) {
      long durable = Math.min(size, row.durableBytes());
      end = scan.walkHeaders(end, durable, (entry, block) -> entries.add(entry));
    }
    if (end < row.durableBytes()) {
      warn(file.path(), end, "a block ends early there or is none; the pack takes no more");
      index.write(
          List.of(),
          file.number(),
          new PackRow(PackRow.DAMAGED, row.durableBytes(), row.statistics()));
      return null;
    }
    return cut(file, scan, entries, end, size);
  }

  /** Takes in what came after the last sync, and cuts off what is torn. */
  private ActivePack cut(
      PackFile file, PackScan scan, List<PackFooter.Entry> entries, long from, long size)
      throws IOException {
    List<PackFooter.Entry> late = new ArrayList<>();
    long end = scan.walk(from, size, (entry, block) -> late.add(entry));
    if (end < size) {
      log.info("pack {}: cut a torn tail off, {} bytes to {}", file.path(), size, end);
      file.truncate(end);
    }
    entries.addAll(late);
    ActivePack active = new ActivePack(file, entries, end);
    if (end != from || end < size) {
      active.force();
    }
    index.write(late, file.number(), active.row(PackRow.OPEN));
    return active;
  }

  /** A pack that the index does not know: the index was lost, or the crash came before its row. */
  private ActivePack index(PackFile file) throws IOException {
    long size = file.size();
    if (size < PackFormat.FILE_HEADER_BYTES) {
      // Not even its header was synced: it never held a block.
      Files.delete(file.path());
      return null;
    }
    PackFooter.Content footer = PackFooter.read(file);
    boolean right = PackHeader.isRight(file);
    if (footer != null) {
      if (!right) {
        warn(file.path(), 0, "its header is not what was written");
      }
      indexSealed(file, footer);
      return null;
    }
    List<PackFooter.Entry> entries = new ArrayList<>();
    PackScan scan = new PackScan(file);
    long end = PackFormat.FILE_HEADER_BYTES;
    boolean damaged = !right;
    while (true) {
      end = scan.walk(end, size, (entry, block) -> entries.add(entry));
      long next = end < size ? scan.find(end, size) : -1;
      if (next < 0) {
        break;
      }
      damaged = true;
      warn(file.path(), end, "what is there is no block");
      end = next;
    }
    if (damaged) {
      PackRow row = new ActivePack(file, entries, size).row(PackRow.DAMAGED);
      index.write(entries, file.number(), row);
      return null;
    }
    index.write(entries, file.number(), new ActivePack(file, entries, end).row(PackRow.OPEN));
    return cut(file, scan, entries, end, size);
  }

  private void indexSealed(PackFile file, PackFooter.Content footer) throws IOException {
    PackRow row = new ActivePack(file, footer.entries(), footer.offsetBytes()).row(PackRow.SEALED);
    index.write(footer.entries(), file.number(), row);
  }

  private void warn(Path path, long offset, String what) {
    log.warn("{}; verify the store in {}", new BlockFault(path, offset, null, what), directory);
  }
}
