package io.mapfs.server.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.text.Sizes;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Blocks that a node uploaded and no record of it has named: they need room in its grant, or it
 * could fill the store with what nobody asked for. Forgotten when the appliance starts, and when
 * the store is swept. Safe for concurrent use.
 */
final class Uploads {
  /** Most that are remembered one by one; older ones need room until the store is swept. */
  private static final int BLOCKS_MAX = 65_536;

  /** What each takes, oldest first. */
  private final Map<BlockId, Long> unnamed = new LinkedHashMap<>();

  private long bytes;

  /**
   * Admits blocks that are about to be stored.
   *
   * @param roomBytes what is left of the grant
   * @throws ApplianceException NO_SPACE
   */
  synchronized void admit(String node, List<StoredBlock> blocks, long roomBytes)
      throws ApplianceException {
    long more = 0;
    for (StoredBlock block : blocks) {
      more += unnamed.containsKey(block.id()) ? 0 : bytes(block);
    }
    if (bytes + more > roomBytes) {
      throw new ApplianceException(
          FailureCode.NO_SPACE,
          node
              + ": "
              + Sizes.format(bytes + more)
              + " of blocks would wait for a record that names them; "
              + Sizes.format(Math.max(0, roomBytes))
              + " of what was granted are left");
    }
    for (StoredBlock block : blocks) {
      if (unnamed.putIfAbsent(block.id(), bytes(block)) == null) {
        bytes += bytes(block);
      }
    }
    Iterator<Long> oldest = unnamed.values().iterator();
    for (int over = unnamed.size() - BLOCKS_MAX; over > 0; over--) {
      oldest.next();
      oldest.remove();
    }
  }

  /** In whole pages, as they count once a record names them. */
  private static long bytes(StoredBlock block) {
    return (long) Integer.bitCount(Row.pages(0, block.rawBytes())) * Change.PAGE_BYTES;
  }

  /** A record stands: what it names counts as the overlay's from now on. */
  synchronized void named(JournalRecord record) {
    for (Change change : record.changes()) {
      if (change instanceof Change.PutBlock put && put.id() != null) {
        Long named = unnamed.remove(put.id());
        bytes -= named == null ? 0 : named;
      }
    }
  }

  /** What no record names is gone from the store. */
  synchronized void swept() {
    unnamed.clear();
    bytes = 0;
  }
}
