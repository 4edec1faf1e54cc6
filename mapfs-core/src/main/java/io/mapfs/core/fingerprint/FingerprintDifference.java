package io.mapfs.core.fingerprint;

import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * One name at which two fingerprints differ.
 *
 * @param path as in {@link FingerprintLine}
 * @param kind in which of the two it is
 * @param fields where it is in both: the fields that differ
 */
public record FingerprintDifference(String path, Kind kind, List<String> fields) {
  /** How they differ. */
  public enum Kind {
    /** Only the first has it. */
    REMOVED,
    /** Only the second has it. */
    ADDED,
    /** Both have it, but not the same. */
    CHANGED
  }

  /** Merges two fingerprints, each in path order, and tells each difference in that order. */
  public static void between(
      Iterator<FingerprintLine> from,
      Iterator<FingerprintLine> to,
      Consumer<FingerprintDifference> sink) {
    FingerprintLine a = next(from);
    FingerprintLine b = next(to);
    while (a != null || b != null) {
      int order = a == null ? 1 : b == null ? -1 : a.compareTo(b);
      if (order < 0) {
        sink.accept(new FingerprintDifference(a.path(), Kind.REMOVED, List.of()));
      } else if (order > 0) {
        sink.accept(new FingerprintDifference(b.path(), Kind.ADDED, List.of()));
      } else if (!a.fields().equals(b.fields())) {
        sink.accept(new FingerprintDifference(a.path(), Kind.CHANGED, changed(a, b)));
      }
      a = order <= 0 ? next(from) : a;
      b = order >= 0 ? next(to) : b;
    }
  }

  private static FingerprintLine next(Iterator<FingerprintLine> lines) {
    return lines.hasNext() ? lines.next() : null;
  }

  private static List<String> changed(FingerprintLine from, FingerprintLine to) {
    Map<String, String> before = from.fieldMap();
    Map<String, String> after = to.fieldMap();
    Set<String> names = new LinkedHashSet<>(before.keySet());
    names.addAll(after.keySet());
    names.removeIf(name -> before.getOrDefault(name, "").equals(after.getOrDefault(name, "")));
    return List.copyOf(names);
  }
}
