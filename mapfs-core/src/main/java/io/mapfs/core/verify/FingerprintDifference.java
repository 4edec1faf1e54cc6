package io.mapfs.core.verify;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.mapfs.core.posix.Posix;
import java.util.List;

/**
 * One path that two trees do not agree on.
 *
 * @param path the path from the root, a char per byte; a dot for the root
 * @param changes where both have it: "property before -> after" for each
 */
public record FingerprintDifference(String path, Kind kind, List<String> changes) {
  /** How the second tree differs from the first. */
  public enum Kind {
    ADDED,
    REMOVED,
    CHANGED
  }

  /** One line for people. */
  @Override
  public String toString() {
    String printable = Posix.printable(path.getBytes(ISO_8859_1));
    return switch (kind) {
      case ADDED -> "added    " + printable;
      case REMOVED -> "removed  " + printable;
      case CHANGED -> "changed  " + printable + ": " + String.join(", ", changes);
    };
  }
}
