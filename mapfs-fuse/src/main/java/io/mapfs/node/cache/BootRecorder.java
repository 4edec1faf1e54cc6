package io.mapfs.node.cache;

import io.mapfs.core.overlay.ReadListener;
import io.mapfs.core.tree.BootOrder;
import io.mapfs.core.tree.RepositoryTree;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Writes down which blocks are read first after a mount, each once, up to {@link
 * BootOrder#RUNS_MAX}. Safe for concurrent use; costs nothing once it has ended.
 */
public final class BootRecorder implements ReadListener {
  private final ReadListener next;
  private volatile boolean recording = true;

  // Guarded by the monitor.
  private final Set<Place> seen = new HashSet<>();
  private final List<BootOrder.Run> runs = new ArrayList<>();

  private record Place(long ino, int block) {}

  /**
   * @param next hears everything, before it is recorded
   */
  public BootRecorder(ReadListener next) {
    this.next = next;
  }

  @Override
  public void reading(RepositoryTree tree, int slot, int firstBlock, int lastBlock) {
    next.reading(tree, slot, firstBlock, lastBlock);
    if (recording) {
      record(tree.ino(slot), firstBlock, lastBlock);
    }
  }

  private synchronized void record(long ino, int firstBlock, int lastBlock) {
    for (int block = firstBlock; recording && block <= lastBlock; block++) {
      if (seen.add(new Place(ino, block))) {
        append(ino, block);
        // A run is a block at least, so this bounds the runs, too.
        recording = seen.size() < BootOrder.RUNS_MAX;
      }
    }
  }

  private void append(long ino, int block) {
    int last = runs.size() - 1;
    if (last >= 0) {
      BootOrder.Run run = runs.get(last);
      if (run.ino() == ino && run.firstBlock() + run.blockCount() == block) {
        runs.set(last, new BootOrder.Run(ino, run.firstBlock(), run.blockCount() + 1));
        return;
      }
    }
    runs.add(new BootOrder.Run(ino, block, 1));
  }

  /** Ends the recording; what was read until now. */
  synchronized BootOrder end() {
    recording = false;
    BootOrder order = new BootOrder(runs);
    seen.clear();
    runs.clear();
    return order;
  }
}
