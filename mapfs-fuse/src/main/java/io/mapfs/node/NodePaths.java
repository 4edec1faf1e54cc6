package io.mapfs.node;

import java.nio.file.Path;

/**
 * Where a node's daemon keeps things on the machine's own disk. None of it may lie on the
 * filesystem that the daemon serves.
 *
 * @param stateRoot holds, per appliance and node, the overlay's index, page log and local journal
 * @param cacheRoot holds tree files and the block cache
 */
public record NodePaths(Path stateRoot, Path cacheRoot) {
  /** The overlay's local state; apart for every appliance, as names are only unique within one. */
  public Path overlay(String clusterId, String node) {
    return stateRoot.resolve(clusterId).resolve(node);
  }

  public Path trees(String clusterId) {
    return cacheRoot.resolve("trees").resolve(clusterId);
  }

  /** Blocks are named by content: one cache serves every appliance, but one daemon at a time. */
  public Path blocks(String node) {
    return cacheRoot.resolve("blocks").resolve(node);
  }
}
