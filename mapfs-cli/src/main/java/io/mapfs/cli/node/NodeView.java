package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.Table;
import java.io.PrintWriter;
import java.util.List;

/** A node's state for people. */
final class NodeView {
  private NodeView() {}

  static void printAll(PrintWriter out, List<JsonObject> nodes) {
    Table table =
        new Table("NODE", "MASTER", ">VERSION", ">CHANGED", ">OWN DATA", ">SNAPSHOTS", "MOUNTED");
    for (JsonObject node : nodes) {
      table.row(
          Fields.text(node, "node"),
          Fields.text(node, "master"),
          version(node),
          Fields.text(node, "entries"),
          Fields.size(node, "ownBytes"),
          Fields.text(node, "snapshots"),
          mounted(node));
    }
    table.print(out, "No nodes yet. Add one: mapfs node add NODE --master MASTER");
    for (JsonObject node : nodes) {
      if (!Fields.text(node, "fault").isEmpty()) {
        out.printf("%nFault of %s: %s%n", Fields.text(node, "node"), Fields.text(node, "fault"));
      }
      if (Fields.number(node, "tails") > 0) {
        out.printf(
            "%n%s has late tails: mapfs node tail list %s%n",
            Fields.text(node, "node"), Fields.text(node, "node"));
      }
    }
  }

  static void print(PrintWriter out, JsonObject node) {
    Fields.line(out, "Node", Fields.text(node, "node"));
    Fields.line(out, "Master", Fields.text(node, "master"));
    Fields.line(out, "Version", version(node));
    Fields.line(out, "Channel", Fields.text(node, "channel"));
    Fields.line(out, "Template", Fields.text(node, "template"));
    Fields.line(out, "Quota", quota(node));
    Fields.line(out, "Cache", limit(node, "cacheBytes", "the node's default"));
    Fields.line(out, "Changed", Fields.text(node, "entries"));
    Fields.line(out, "Own data", Fields.size(node, "ownBytes"));
    Fields.line(out, "Snapshots", Fields.text(node, "snapshots"));
    Fields.line(
        out, "Late tails", Fields.number(node, "tails") == 0 ? "" : Fields.text(node, "tails"));
    Fields.line(out, "Position", position(node));
    Fields.line(out, "Mounted", mounted(node));
    Fields.line(out, "Encrypted", encrypted(node));
    Fields.line(out, "Fault", Fields.text(node, "fault"));
  }

  private static String position(JsonObject node) {
    return Fields.text(node, "epoch").isEmpty()
        ? ""
        : "epoch " + Fields.text(node, "epoch") + ", record " + Fields.text(node, "sequence");
  }

  private static String encrypted(JsonObject node) {
    return switch (Fields.text(node, "key")) {
      case "" -> "no";
      case "none" -> "yes; its key is made at the first mount";
      case "erased" -> "yes; its key was erased";
      default -> Fields.text(node, "unlocked").equals("true") ? "yes, unlocked" : "yes, locked";
    };
  }

  private static String quota(JsonObject node) {
    String granted = limit(node, "quotaBytes", "unlimited");
    return Fields.text(node, "usedBytes").isEmpty()
        ? granted
        : granted + ", " + Fields.size(node, "usedBytes") + " used";
  }

  static String limit(JsonObject node, String member, String ifNone) {
    return Fields.number(node, member) == 0 ? ifNone : Fields.size(node, member);
  }

  private static String version(JsonObject node) {
    String version = Fields.text(node, "version");
    String pending = Fields.text(node, "pendingVersion");
    return pending.isEmpty() || pending.equals("0") || pending.equals(version)
        ? version
        : version + " (next mount: " + pending + ")";
  }

  private static String mounted(JsonObject node) {
    JsonObject mounted = Fields.object(node, "mounted");
    return mounted.size() == 0
        ? "no"
        : Fields.text(mounted, "host") + ", since " + Fields.time(mounted, "sinceMillis");
  }
}
