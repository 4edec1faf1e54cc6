package io.mapfs.it.scorecard;

import java.nio.file.Files;
import java.nio.file.Path;

/** A directory of a local disk: what programs are used to. */
final class PlainDirectory extends Candidate {
  private final Path root;
  private final Path elsewhere;

  /** {@code directory}: has the tree as its {@code root}. */
  PlainDirectory(Path directory) throws Exception {
    super("ext4");
    root = directory.resolve("root");
    elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
  }

  @Override
  Path root() {
    return root;
  }

  @Override
  void mount() {}

  @Override
  void unmount() {}

  /** An empty directory: changes are made where the files are. */
  @Override
  Path[] changes() {
    return new Path[] {elsewhere};
  }
}
