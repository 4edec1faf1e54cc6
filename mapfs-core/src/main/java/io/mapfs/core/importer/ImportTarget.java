package io.mapfs.core.importer;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.tree.RepositoryTree;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * Where an import goes: one version of one master that does not exist until {@link #commit}.
 * Whoever made the target abandons it if the import fails.
 *
 * <p>{@link #missing} and {@link #put} come from different threads at the same time, each from one
 * at a time; everything else comes while neither runs.
 */
public interface ImportTarget {
  /** Most blocks in one {@link #missing} or {@link #put}. */
  int BATCH_BLOCKS_MAX = 512;

  /** Most raw bytes of the blocks in one {@link #put}. */
  int BATCH_BYTES_MAX = 8 << 20;

  /** The master's name. */
  String master();

  /** The number that the version will get. */
  int version();

  /** The master's newest version, whose inode numbers are kept. Borrowed. */
  Optional<RepositoryTree> previousTree();

  /** The first inode number that no version of the master has ever used; 2 for a new master. */
  long nextIno();

  /** The indexes of the blocks that are not there, and so must be put. */
  BitSet missing(List<BlockId> ids) throws ImportException, InterruptedException;

  /** Takes blocks, in the source's order. The payloads are the target's own from here on. */
  void put(List<StoredBlock> blocks) throws ImportException, InterruptedException;

  /**
   * Publishes the version: its blocks and tree are durable on return.
   *
   * @param treeFile the finished tree index file; borrowed
   * @return the version's number
   */
  int commit(Path treeFile, ImportStatistics statistics)
      throws ImportException, InterruptedException;
}
