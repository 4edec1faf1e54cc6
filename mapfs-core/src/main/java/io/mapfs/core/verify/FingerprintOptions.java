package io.mapfs.core.verify;

import io.mapfs.core.posix.PathSet;
import java.util.List;

/**
 * What a fingerprint covers.
 *
 * @param excludes paths that are left out, with all below them
 * @param crossFileSystems whether directories on other filesystems are entered; without, such a
 *     directory is one line and such a file none
 * @param directorySizes whether sizes and link counts of directories count: filesystems differ in
 *     these
 */
public record FingerprintOptions(
    PathSet excludes, boolean crossFileSystems, boolean directorySizes) {
  /** All on one filesystem, without directories' sizes. */
  public static FingerprintOptions defaults() {
    return new FingerprintOptions(PathSet.of(List.of()), false, false);
  }

  public FingerprintOptions withExcludes(List<String> paths) {
    return new FingerprintOptions(PathSet.of(paths), crossFileSystems, directorySizes);
  }

  public FingerprintOptions withDirectorySizes(boolean include) {
    return new FingerprintOptions(excludes, crossFileSystems, include);
  }
}
