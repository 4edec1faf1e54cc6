package io.mapfs.core.block;

import java.nio.file.Path;

/**
 * Something in a pack that is not what was written.
 *
 * @param pack the file
 * @param offsetBytes where in it
 * @param id the block's, or {@code null} where the damage hides it
 * @param what in a few words
 */
public record BlockFault(Path pack, long offsetBytes, BlockId id, String what) {
  /** One line: what, where. */
  @Override
  public String toString() {
    return "pack "
        + pack
        + " is damaged at offset "
        + offsetBytes
        + (id == null ? "" : " (block " + id + ")")
        + ": "
        + what;
  }
}
