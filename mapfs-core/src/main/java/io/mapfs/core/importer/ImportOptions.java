package io.mapfs.core.importer;

import java.nio.file.Path;
import java.util.List;

/**
 * How to import.
 *
 * @param excludes paths under the source's root that are left out, with all below them
 * @param crossFileSystems whether to go into filesystems that are mounted below the source
 * @param threads how many threads read, hash and compress
 * @param temporaryDirectory where the tree file and spools are made: some 300 bytes for each file
 *     and 32 for each block
 */
public record ImportOptions(
    List<String> excludes, boolean crossFileSystems, int threads, Path temporaryDirectory) {
  public ImportOptions {
    excludes = List.copyOf(excludes);
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, not " + threads);
    }
  }

  /** Everything on one filesystem, with all cores. */
  public static ImportOptions defaults() {
    return new ImportOptions(
        List.of(),
        false,
        Runtime.getRuntime().availableProcessors(),
        Path.of(System.getProperty("java.io.tmpdir")));
  }

  public ImportOptions withExcludes(List<String> paths) {
    return new ImportOptions(paths, crossFileSystems, threads, temporaryDirectory);
  }

  public ImportOptions withCrossFileSystems(boolean cross) {
    return new ImportOptions(excludes, cross, threads, temporaryDirectory);
  }

  public ImportOptions withTemporaryDirectory(Path directory) {
    return new ImportOptions(excludes, crossFileSystems, threads, directory);
  }
}
