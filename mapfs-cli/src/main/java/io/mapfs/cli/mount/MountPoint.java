package io.mapfs.cli.mount;

import io.mapfs.cli.base.CommandFailure;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Checks a directory before something is mounted on it. */
final class MountPoint {
  private MountPoint() {}

  /**
   * The directory's real path.
   *
   * @throws CommandFailure saying what is wrong with it and what to do
   */
  static Path check(Path directory) throws CommandFailure, IOException {
    Path absolute = directory.toAbsolutePath().normalize();
    refuseMounted(absolute);
    if (!Files.isDirectory(absolute)) {
      throw Files.exists(absolute)
          ? new CommandFailure(
              FailureCode.INVALID,
              "mount point " + absolute + " is not a directory; choose an empty directory")
          : new CommandFailure(
              FailureCode.NOT_FOUND,
              "mount point " + absolute + " does not exist; make it: mkdir -p " + absolute);
    }
    Path real = absolute.toRealPath();
    refuseMounted(real);
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(real)) {
      if (entries.iterator().hasNext()) {
        throw new CommandFailure(
            FailureCode.CONFLICT,
            "mount point " + real + " is not empty; choose an empty directory");
      }
    }
    return real;
  }

  private static void refuseMounted(Path directory) throws CommandFailure, IOException {
    var mounted = MountTable.read().at(directory);
    if (mounted.isPresent()) {
      throw new CommandFailure(
          FailureCode.CONFLICT,
          directory
              + " is mounted already ("
              + mounted.get().source()
              + "); unmount it first: "
              + (mounted.get().node().isPresent() ? "mapfs umount " : "umount ")
              + directory);
    }
  }

  /** The real path of a mount point that may be dead, so that nothing below its parent is asked. */
  static Path resolve(Path directory) throws IOException {
    Path absolute = directory.toAbsolutePath().normalize();
    Path parent = absolute.getParent();
    Path name = absolute.getFileName();
    if (parent == null || name == null || Files.isSymbolicLink(absolute)) {
      return absolute.toRealPath();
    }
    try {
      return parent.toRealPath().resolve(name);
    } catch (NoSuchFileException e) {
      return absolute;
    }
  }
}
