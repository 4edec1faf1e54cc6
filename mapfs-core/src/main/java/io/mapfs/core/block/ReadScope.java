package io.mapfs.core.block;

/** What a get reads through: a version of a master, or an overlay. A hash alone grants nothing. */
public sealed interface ReadScope {
  /** A version of the master that the node is assigned. */
  record Version(String master, int version) implements ReadScope {}

  /** The node's own overlay. */
  record Overlay(String node) implements ReadScope {}
}
