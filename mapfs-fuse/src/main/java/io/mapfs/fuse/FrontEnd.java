package io.mapfs.fuse;

import io.mapfs.core.fs.FileSystemOperations;
import java.util.Optional;

/**
 * A way to the kernel. Implementations are found by {@link java.util.ServiceLoader}, so that the
 * port depends on none of them.
 */
public interface FrontEnd {
  /** The name that a user chooses it by: {@code direct}, {@code jnr}. */
  String name();

  /** Rank among those that are available; {@code auto} takes the highest. */
  int preference();

  /** Why this front end cannot work here, in one line for the user; empty where it can. */
  Optional<String> unavailable();

  /**
   * Mounts and starts serving. Returns once the kernel has the mount; requests may arrive at once.
   *
   * @throws MountException if the mount point cannot be used or the kernel refuses; nothing is left
   *     mounted and no thread is left running
   */
  MountedFileSystem mount(FileSystemOperations operations, MountOptions options)
      throws MountException;
}
