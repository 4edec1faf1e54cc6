package io.mapfs.it.scorecard;

import io.mapfs.it.Sandbox;
import java.nio.file.Path;

/** A filesystem that shows the lower tree and takes changes to it. */
abstract class Candidate {
  private final String name;

  Candidate(String name) {
    this.name = name;
  }

  /** The heading of its column. */
  final String name() {
    return name;
  }

  /** Where the tree is seen while it is mounted. */
  abstract Path root();

  abstract void mount() throws Exception;

  abstract void unmount() throws Exception;

  /** Where changes are kept: what is allocated there is what they cost. */
  abstract Path[] changes();

  final void remount() throws Exception {
    unmount();
    mount();
  }

  /** Bytes that are allocated for changes. */
  final long changedBytes() throws Exception {
    long bytes = 0;
    for (Path directory : changes()) {
      // Files may go while they are counted.
      String total = Sandbox.shell("sync -f \"$1\"; du -s -B1 \"$1\" 2>/dev/null || :", directory);
      bytes += Long.parseLong(total.split("\t")[0]);
    }
    return bytes;
  }
}
