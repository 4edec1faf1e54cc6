package io.mapfs.core.tree;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Brings bytes of a tree file anew, from where the file came. Safe for concurrent use. */
@FunctionalInterface
public interface TreeRepair {
  /** For files that came from nowhere else. */
  TreeRepair NONE =
      (offsetBytes, lengthBytes) -> {
        throw new IOException("there is no other copy to take it from");
      };

  /**
   * So many bytes of the file; they need not be right, who asks verifies them.
   *
   * @throws IOException if they cannot be had now
   */
  ByteBuffer fetch(long offsetBytes, int lengthBytes) throws IOException;
}
