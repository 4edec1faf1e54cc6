package io.mapfs.core.text;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** The existing name that someone who typed another one probably meant. */
public final class NearestName {
  private NearestName() {}

  /**
   * The name with the fewest inserted, deleted, replaced or swapped characters, case ignored; empty
   * if more than a third of the typed ones (at least two) would have to change. Ties go to the
   * first in alphabetical order.
   */
  public static Optional<String> of(String typed, Collection<String> names) {
    int mostEdits = Math.max(2, typed.length() / 3);
    return names.stream()
        .filter(name -> distance(typed, name) <= mostEdits)
        .min(Comparator.<String>comparingInt(name -> distance(typed, name)).thenComparing(n -> n));
  }

  /** {@code "; did you mean 'X'?"}, or nothing where no name is near: for the end of a message. */
  public static String hint(String typed, Collection<String> names) {
    return of(typed, names).map(name -> "; did you mean '" + name + "'?").orElse("");
  }

  /** Optimal string alignment: Damerau's four edits, no substring edited twice. */
  private static int distance(String typed, String name) {
    int[] beforeLast = new int[name.length() + 1];
    int[] last = new int[name.length() + 1];
    int[] row = new int[name.length() + 1];
    for (int j = 0; j <= name.length(); j++) {
      last[j] = j;
    }
    for (int i = 1; i <= typed.length(); i++) {
      row[0] = i;
      for (int j = 1; j <= name.length(); j++) {
        int replaced = last[j - 1] + (same(typed, i, name, j) ? 0 : 1);
        row[j] = Math.min(replaced, Math.min(last[j], row[j - 1]) + 1);
        if (i > 1 && j > 1 && same(typed, i, name, j - 1) && same(typed, i - 1, name, j)) {
          row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
        }
      }
      int[] recycled = beforeLast;
      beforeLast = last;
      last = row;
      row = recycled;
    }
    return last[name.length()];
  }

  private static boolean same(String a, int i, String b, int j) {
    return Character.toLowerCase(a.charAt(i - 1)) == Character.toLowerCase(b.charAt(j - 1));
  }
}
