package io.mapfs.core.block;

import java.util.ArrayList;
import java.util.List;

/**
 * Blocks whose records follow each other in one pack, as those of neighbouring files do: one read
 * brings them all.
 *
 * @param first index of the first block among those asked for
 * @param count how many blocks
 * @param bytes length of all their records
 */
record PackRun(int first, int count, int bytes) {
  /** Most bytes of a run; it is one buffer on the heap. */
  private static final int BYTES_MAX = 1 << 20;

  /** Divides locations, {@code null} where a block is not known, into runs; in order. */
  static List<PackRun> of(List<PackLocation> locations) {
    List<PackRun> runs = new ArrayList<>();
    for (int first = 0; first < locations.size(); ) {
      int count = 1;
      PackLocation last = locations.get(first);
      long bytes = last == null ? 0 : last.recordBytes();
      while (last != null && first + count < locations.size()) {
        PackLocation next = locations.get(first + count);
        if (next == null || !last.isFollowedBy(next) || bytes + next.recordBytes() > BYTES_MAX) {
          break;
        }
        bytes += next.recordBytes();
        last = next;
        count++;
      }
      runs.add(new PackRun(first, count, (int) bytes));
      first += count;
    }
    return runs;
  }
}
