package io.mapfs.core.verify;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/** Compares two fingerprints, entry by entry, in one pass. */
public final class FingerprintComparison {
  private FingerprintComparison() {}

  /**
   * Tells every difference, in path order.
   *
   * @return the number of differences; 0 where the trees are the same
   * @throws IOException if a fingerprint cannot be read or is none; one line
   */
  public static long compare(
      InputStream first, InputStream second, Consumer<FingerprintDifference> differences)
      throws IOException {
    EntryReader left = new EntryReader(first);
    EntryReader right = new EntryReader(second);
    long count = 0;
    FingerprintEntry a = left.next();
    FingerprintEntry b = right.next();
    while (a != null || b != null) {
      int order =
          a == null ? 1 : b == null ? -1 : FingerprintEntry.comparePaths(a.path(), b.path());
      FingerprintDifference difference = null;
      if (order < 0) {
        difference =
            new FingerprintDifference(a.path(), FingerprintDifference.Kind.REMOVED, List.of());
      } else if (order > 0) {
        difference =
            new FingerprintDifference(b.path(), FingerprintDifference.Kind.ADDED, List.of());
      } else if (!a.properties().equals(b.properties())) {
        difference =
            new FingerprintDifference(a.path(), FingerprintDifference.Kind.CHANGED, changes(a, b));
      }
      if (difference != null) {
        differences.accept(difference);
        count++;
      }
      a = order <= 0 ? left.next() : a;
      b = order >= 0 ? right.next() : b;
    }
    return count;
  }

  private static List<String> changes(FingerprintEntry a, FingerprintEntry b) {
    Set<String> keys = new LinkedHashSet<>(a.properties().keySet());
    keys.addAll(b.properties().keySet());
    List<String> changes = new ArrayList<>();
    for (String key : keys) {
      String before = a.properties().getOrDefault(key, "none");
      String after = b.properties().getOrDefault(key, "none");
      if (!before.equals(after)) {
        changes.add(key + " " + before + " -> " + after);
      }
    }
    return changes;
  }

  /** Reads entries and sees to their order. */
  private static final class EntryReader {
    private final BufferedReader lines;
    private long lineNumber;
    private FingerprintEntry last;

    EntryReader(InputStream stream) {
      lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.US_ASCII));
    }

    FingerprintEntry next() throws IOException {
      String line = lines.readLine();
      if (line == null) {
        return null;
      }
      lineNumber++;
      FingerprintEntry entry;
      try {
        entry = FingerprintEntry.parse(line);
      } catch (IllegalArgumentException e) {
        throw new IOException("line " + lineNumber + " is no fingerprint's: " + e.getMessage(), e);
      }
      if (last != null && FingerprintEntry.comparePaths(last.path(), entry.path()) >= 0) {
        throw new IOException("line " + lineNumber + " is out of order");
      }
      last = entry;
      return entry;
    }
  }
}
