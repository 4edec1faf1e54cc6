package io.mapfs.cli.base;

import com.google.gson.JsonObject;
import java.io.PrintWriter;
import java.util.List;

/** Changed paths for people, one a line. */
public final class ChangeLines {
  private ChangeLines() {}

  /** Prints the {@code changes} of an answer. */
  public static void print(PrintWriter out, List<JsonObject> changes) {
    for (JsonObject change : changes) {
      String path = Fields.text(change, "path");
      String what = String.join(", ", Fields.texts(change, "what"));
      String detail = what.isEmpty() ? "" : "  (" + what + ")";
      switch (Fields.text(change, "change")) {
        case "added" -> out.println("+ " + path);
        case "removed" -> out.println("- " + path);
        case "renamed" ->
            out.println("R " + Fields.text(change, "oldPath") + " -> " + path + detail);
        default -> out.println("M " + path + detail);
      }
    }
  }
}
