package io.mapfs.cli.base;

import io.mapfs.core.wire.FailureCode;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file that a command makes and never replaces. */
public final class NewFile {
  private NewFile() {}

  /** The file's absolute path; refused with CONFLICT if there is one. */
  public static Path at(Path file) throws CommandFailure {
    Path absolute = file.toAbsolutePath();
    if (Files.exists(absolute)) {
      throw new CommandFailure(
          FailureCode.CONFLICT, absolute + " exists already: name another file, or remove it");
    }
    return absolute;
  }
}
