package io.mapfs.core.importer;

import java.util.List;
import java.util.concurrent.Callable;

/** Takes the parts of one file's content, in order. */
interface SegmentSink {
  /** Most blocks in one segment. */
  int BLOCKS_MAX = 8;

  /**
   * Takes a part.
   *
   * @param rawBytes most bytes of content that {@code cut} returns
   * @param cut reads and hashes the part's blocks, perhaps on another thread; holes are left out
   */
  void segment(int rawBytes, Callable<List<HashedBlock>> cut)
      throws ImportException, InterruptedException;
}
