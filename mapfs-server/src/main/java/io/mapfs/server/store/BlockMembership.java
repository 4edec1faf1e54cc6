package io.mapfs.server.store;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.tree.RepositoryTree;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Which blocks a version, or a whole store, names: the first eight bytes of their ids, sorted.
 * Eight bytes a block (8 MB for 128 GB of content); two ids of one store share them once in 2^64 /
 * n tries, and to have one made on purpose is 2^64 hashes of work for a block whose id one must
 * know already.
 */
public final class BlockMembership {
  private final long[] prefixes;

  private BlockMembership(long[] prefixes) {
    this.prefixes = prefixes;
  }

  static BlockMembership of(RepositoryTree tree) {
    Builder builder = new Builder();
    forEachBlock(tree, builder);
    return builder.build();
  }

  /** Is told the blocks, in any order, repeated ones too. For one thread. */
  public static final class Builder implements Consumer<BlockId> {
    private long[] prefixes = new long[1024];
    private int count;

    @Override
    public void accept(BlockId id) {
      if (count == prefixes.length) {
        compact();
      }
      prefixes[count++] = id.a();
    }

    /** Makes room: by what was said twice, else by more memory. */
    private void compact() {
      prefixes = sorted();
      count = prefixes.length;
      prefixes = Arrays.copyOf(prefixes, count + (count >> 1) + 1024);
    }

    public BlockMembership build() {
      return new BlockMembership(sorted());
    }

    private long[] sorted() {
      long[] sorted = Arrays.copyOf(prefixes, count);
      Arrays.sort(sorted);
      int kept = 0;
      for (int i = 0; i < sorted.length; i++) {
        if (i == 0 || sorted[i] != sorted[i - 1]) {
          sorted[kept++] = sorted[i];
        }
      }
      return Arrays.copyOf(sorted, kept);
    }
  }

  /** Tells every block that a version names, in the order of its inodes, repeated ones too. */
  static void forEachBlock(RepositoryTree tree, Consumer<BlockId> consumer) {
    for (int slot = 0; slot < tree.inodeCount(); slot++) {
      int blocks = tree.type(slot) == FileType.REGULAR ? tree.blockCount(slot) : 0;
      for (int index = 0; index < blocks; index++) {
        BlockId id = tree.block(slot, index);
        if (id != null) {
          consumer.accept(id);
        }
      }
    }
  }

  public boolean contains(BlockId id) {
    return Arrays.binarySearch(prefixes, id.a()) >= 0;
  }

  int bytes() {
    return prefixes.length * Long.BYTES;
  }
}
