package io.mapfs.core.kv;

import io.mapfs.core.files.DurableFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

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
    DurableFiles.deleteTree(aside);
    return Files.move(directory, aside);
  }
}
