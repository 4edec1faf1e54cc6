package io.mapfs.core.overlay;

import io.mapfs.core.tree.RepositoryTree;

/**
 * Hears which blocks of a version are read through the overlay, so that those that follow can be
 * fetched ahead. Called on the read path, before the blocks are read: it must be cheap, never wait
 * and never fail.
 */
@FunctionalInterface
public interface ReadListener {
  /** Hears nothing. */
  ReadListener NONE = (tree, slot, firstBlock, lastBlock) -> {};

  /**
   * A program is about to be given bytes of blocks {@code firstBlock} to {@code lastBlock}
   * (inclusive) of a regular file.
   */
  void reading(RepositoryTree tree, int slot, int firstBlock, int lastBlock);
}
