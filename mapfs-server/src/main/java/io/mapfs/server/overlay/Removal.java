package io.mapfs.server.overlay;

import io.mapfs.core.files.DurableFiles;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Removes directories of overlays. Each gets a name first that says so: what a crash leaves of it
 * can be told from what only lost its record.
 */
final class Removal {
  /** No node's name and no tail's id begins so. */
  private static final String PREFIX = ".removed-";

  private Removal() {}

  /** Removes a directory and what is in it, if it is there. */
  static void remove(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    Path renamed = directory.resolveSibling(PREFIX + directory.getFileName());
    DurableFiles.deleteTree(renamed);
    Files.move(directory, renamed, StandardCopyOption.ATOMIC_MOVE);
    DurableFiles.syncDirectory(directory.getParent());
    DurableFiles.deleteTree(renamed);
  }

  /** Completes what a crash cut short in a directory. */
  static void complete(Path parent) throws IOException {
    if (!Files.exists(parent)) {
      return;
    }
    List<Path> removed = new ArrayList<>();
    try (DirectoryStream<Path> found = Files.newDirectoryStream(parent, PREFIX + "*")) {
      found.forEach(removed::add);
    }
    for (Path directory : removed) {
      DurableFiles.deleteTree(directory);
    }
  }
}
