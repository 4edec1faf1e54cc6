package io.mapfs.core.overlay;

import io.mapfs.core.fs.Name;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * The overlay's own rows of one directory, all of them: names that are its own and names that it
 * hides. Changed under the tree lock held exclusively, read under it held shared.
 */
final class OverlayDirectory {
  final long ino;
  private final TreeMap<Name, DentryRow> rows = new TreeMap<>();

  /** Own names that the version's directory does not have, by cookie. */
  private final TreeMap<Long, Name> ownNames = new TreeMap<>();

  private int whiteouts;

  /** Names changed in the open batch, with the row that the last sealed record left; or null. */
  private final Map<Name, DentryRow> sealedRows = new HashMap<>();

  /** The last batch that was cut with changes of it. */
  long lastCut = -1;

  volatile boolean referenced = true;

  OverlayDirectory(long ino) {
    this.ino = ino;
  }

  /** The row of a name, or {@code null} where the overlay says nothing of it. */
  DentryRow row(Name name) {
    return rows.get(name);
  }

  boolean isEmpty() {
    return rows.isEmpty();
  }

  int ownCount() {
    return rows.size() - whiteouts;
  }

  int whiteoutCount() {
    return whiteouts;
  }

  NavigableMap<Name, DentryRow> rows() {
    return rows;
  }

  /** Own names that the version's directory lacks, after a cookie, in order. */
  NavigableMap<Long, Name> ownNamesAfter(long cookie) {
    return ownNames.tailMap(cookie, false);
  }

  /** Puts a row as the index has it. */
  void load(Name name, DentryRow row, boolean inBase) {
    replace(name, row, inBase);
  }

  /**
   * Changes a row ({@code null}: no row).
   *
   * @param inBase whether the version's directory has the name
   */
  void set(Name name, DentryRow row, boolean inBase) {
    DentryRow before = replace(name, row, inBase);
    if (!sealedRows.containsKey(name)) {
      sealedRows.put(name, before);
    }
  }

  private DentryRow replace(Name name, DentryRow row, boolean inBase) {
    DentryRow before = row == null ? rows.remove(name) : rows.put(name, row);
    if (before != null) {
      if (before.isWhiteout()) {
        whiteouts--;
      } else {
        ownNames.remove(before.cookie());
      }
    }
    if (row != null) {
      if (row.isWhiteout()) {
        whiteouts++;
      } else if (!inBase) {
        ownNames.put(row.cookie(), name);
      }
    }
    return before;
  }

  /** Names changed in the open batch, with their rows before it. */
  Map<Name, DentryRow> sealedRows() {
    return sealedRows;
  }

  boolean isDirty() {
    return !sealedRows.isEmpty();
  }
}
