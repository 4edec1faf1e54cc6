package io.mapfs.cli.mount;

import io.mapfs.cli.base.CommandFailure;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.fuse.MountException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/** Checks a directory before something is mounted on it. */
final class MountPoint {
  private MountPoint() {}

  /**
   * The directory's real path.
   *
   * @throws CommandFailure saying what is wrong with it and what to do
   */
  static Path check(Path directory) throws CommandFailure {
    try {
      return io.mapfs.fuse.MountPoint.prepare(directory);
    } catch (MountException e) {
      FailureCode code =
          e.getCause() instanceof NoSuchFileException
              ? FailureCode.NOT_FOUND
              : e.getCause() instanceof NotDirectoryException
                  ? FailureCode.INVALID
                  : FailureCode.CONFLICT;
      throw new CommandFailure(code, e.getMessage(), e);
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
