package io.mapfs.core.kv;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Makes room for a store that is made again, and keeps the damaged one for whoever wants to look.
 */
public final class SetAside {
  private SetAside() {}

  /**
   * Renames the directory to {@code NAME.damaged}; an older one of that name goes. Durable once the
   * directory above is synced.
   *
   * @return where it is now
   */
  public static Path move(Path directory) throws IOException {
    Path aside = directory.resolveSibling(directory.getFileName() + ".damaged");
    if (Files.exists(aside)) {
      List<Path> older;
      try (Stream<Path> paths = Files.walk(aside)) {
        older = paths.sorted(Comparator.reverseOrder()).toList();
      }
      for (Path path : older) {
        Files.delete(path);
      }
    }
    return Files.move(directory, aside);
  }
}
