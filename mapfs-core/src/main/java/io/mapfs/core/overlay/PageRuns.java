package io.mapfs.core.overlay;

import java.util.ArrayList;
import java.util.List;

/** Gathers pages in ascending order into the longest runs. */
final class PageRuns {
  interface Visitor {
    void run(long firstPage, long count);
  }

  private record Run(long firstPage, long count) {}

  private final List<Run> runs = new ArrayList<>();
  private long total;

  /** Adds the pages of a block whose bits are set. */
  void add(long firstPage, int pages) {
    BlockExtent.forEachRange(pages, (first, count) -> append(firstPage + first, count));
  }

  private void append(long firstPage, int count) {
    total += count;
    Run last = runs.isEmpty() ? null : runs.get(runs.size() - 1);
    if (last != null && last.firstPage + last.count == firstPage) {
      runs.set(runs.size() - 1, new Run(last.firstPage, last.count + count));
    } else {
      runs.add(new Run(firstPage, count));
    }
  }

  long total() {
    return total;
  }

  void forEach(Visitor visitor) {
    for (Run run : runs) {
      visitor.run(run.firstPage, run.count);
    }
  }
}
