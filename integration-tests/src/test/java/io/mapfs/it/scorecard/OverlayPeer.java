package io.mapfs.it.scorecard;

import io.mapfs.it.Sandbox;
import java.nio.file.Files;
import java.nio.file.Path;

/** A peer that takes a lower, an upper and a work directory, with its default options. */
final class OverlayPeer extends Candidate {
  private final String command;
  private final Path lower;
  private final Path upper;
  private final Path work;
  private final Path root;

  private OverlayPeer(String name, String command, Path lower, Path directory) throws Exception {
    super(name);
    this.command = command;
    this.lower = lower;
    upper = Files.createDirectories(directory.resolve("upper"));
    work = Files.createDirectories(directory.resolve("work"));
    root = Files.createDirectories(directory.resolve("mnt"));
  }

  /** The kernel's; {@code directory}: where upper and work directory are made. */
  static OverlayPeer kernel(String name, Path lower, Path directory) throws Exception {
    return new OverlayPeer(
        name,
        "mount -t overlay overlay -o \"lowerdir=$1,upperdir=$2,workdir=$3\" \"$4\"",
        lower,
        directory);
  }

  /** Debian's fuse-overlayfs. */
  static OverlayPeer fuse(Path lower, Path directory) throws Exception {
    return new OverlayPeer(
        "fuse-overlayfs",
        "fuse-overlayfs -o \"lowerdir=$1,upperdir=$2,workdir=$3\" \"$4\"",
        lower,
        directory);
  }

  @Override
  Path root() {
    return root;
  }

  @Override
  void mount() throws Exception {
    Sandbox.shell(command, lower, upper, work, root);
  }

  /** Waits until nothing uses the mount any more: its writer must be gone before the next one. */
  @Override
  void unmount() throws Exception {
    Sandbox.shell(
        "for i in $(seq 50); do umount \"$1\" && exit; sleep 0.1; done; umount -l \"$1\"", root);
  }

  @Override
  Path[] changes() {
    return new Path[] {upper, work};
  }
}
