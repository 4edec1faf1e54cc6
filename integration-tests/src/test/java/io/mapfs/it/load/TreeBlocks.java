package io.mapfs.it.load;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.tree.TreeIndex;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The blocks of a version, each once, in the order of its files. */
record TreeBlocks(ReadScope scope, List<Wanted> blocks) {
  /** A block and how much content it holds. */
  record Wanted(BlockId id, int rawBytes) {}

  static TreeBlocks of(TreeIndex tree) {
    List<Wanted> blocks = new ArrayList<>();
    Set<BlockId> seen = new HashSet<>();
    for (int slot = 0; slot < tree.inodeCount(); slot++) {
      int count = tree.blockCount(slot);
      for (int i = 0; i < count; i++) {
        BlockId id = tree.block(slot, i);
        if (id != null && seen.add(id)) {
          long left = tree.attributes(slot).sizeBytes() - (long) i * BlockId.BLOCK_BYTES;
          blocks.add(new Wanted(id, (int) Math.min(BlockId.BLOCK_BYTES, left)));
        }
      }
    }
    return new TreeBlocks(new ReadScope.Version(tree.master(), tree.version()), blocks);
  }
}
