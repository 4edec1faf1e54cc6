package io.mapfs.server.control;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The files in and below a directory, as they were at one moment. */
record FileCopies(Path directory, Map<Path, byte[]> contents) {
  static FileCopies of(Path directory) throws IOException {
    Map<Path, byte[]> contents = new TreeMap<>();
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        contents.put(file, Files.readAllBytes(file));
      }
    }
    return new FileCopies(directory, contents);
  }

  /** Makes them again what they were; others go. */
  void restore() throws IOException {
    Files.createDirectories(directory);
    for (Path file : of(directory).contents.keySet()) {
      Files.delete(file);
    }
    for (Map.Entry<Path, byte[]> file : contents.entrySet()) {
      Files.write(file.getKey(), file.getValue());
    }
  }
}
