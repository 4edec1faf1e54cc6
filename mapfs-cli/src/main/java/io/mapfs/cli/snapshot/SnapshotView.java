package io.mapfs.cli.snapshot;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.Fields;

/** A snapshot's state for people. */
final class SnapshotView {
  private SnapshotView() {}

  /** {@code s1 (before)}, or {@code s1} where it has no name of its own. */
  static String title(JsonObject snapshot) {
    String id = Fields.text(snapshot, "id");
    String name = Fields.text(snapshot, "name");
    return name.isEmpty() || name.equals(id) ? id : id + " (" + name + ")";
  }
}
