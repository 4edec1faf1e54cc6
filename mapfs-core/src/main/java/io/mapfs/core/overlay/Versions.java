package io.mapfs.core.overlay;

import io.mapfs.core.tree.RepositoryTree;
import java.io.IOException;

/** The versions of the node's master that its overlay may inherit from. Safe for concurrent use. */
public interface Versions {
  /** The version that the overlay now stands on. */
  RepositoryTree current();

  /**
   * An older version, from which some file still inherits its blocks; fetched on first use.
   *
   * @throws IOException if it cannot be had
   */
  RepositoryTree get(int version) throws IOException;
}
