package io.mapfs.server.control;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.server.mirror.Differences;
import io.mapfs.server.mirror.Mirror;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlRecords.SnapshotRecord;
import java.io.IOException;

/** Control methods on snapshots. */
final class SnapshotMethods {
  private final Mirror mirror;
  private final Access access;

  SnapshotMethods(Mirror mirror, Access access) {
    this.mirror = mirror;
    this.access = access;
  }

  JsonObject create(Parameters in) throws IOException, ApplianceException {
    NodeRecord node = access.node(in.text("node"));
    return show(mirror.create(node, in.text("name", null), in.text("comment", null))).build();
  }

  JsonObject list(Parameters in) throws IOException, ApplianceException {
    JsonArray list = new JsonArray();
    for (SnapshotRecord snapshot : mirror.list(access.node(in.text("node")).name())) {
      list.add(show(snapshot).build());
    }
    return new Json().with("snapshots", list).build();
  }

  JsonObject show(Parameters in) throws IOException, ApplianceException {
    SnapshotRecord snapshot = mirror.find(access.node(in.text("node")).name(), in.text("snapshot"));
    String text = in.flag("manifest", false) ? mirror.manifest(snapshot) : null;
    return show(snapshot).with("manifest", text).build();
  }

  private Json show(SnapshotRecord snapshot) throws IOException {
    return new Json()
        .with("id", snapshot.id())
        .with("name", snapshot.name())
        .with("comment", snapshot.comment())
        .with("node", snapshot.node())
        .with("createdMillis", snapshot.createdMillis())
        .with("master", snapshot.master())
        .with("version", snapshot.version())
        .with("epoch", snapshot.epoch())
        .with("sequence", snapshot.sequence())
        .with("entries", snapshot.entries())
        .with("manifestBytes", mirror.manifestBytes(snapshot))
        .with("ownBytes", snapshot.ownBytes())
        .with("automatic", snapshot.automatic());
  }

  JsonObject diff(Parameters in) throws IOException, ApplianceException {
    NodeRecord node = access.node(in.text("node"));
    return describe(new Json(), mirror.diff(node, in.text("from"), in.text("to", Mirror.LIVE)))
        .build();
  }

  static Json describe(Json answer, Differences.Result result) {
    JsonArray changes = new JsonArray();
    for (Differences.Difference difference : result.differences()) {
      changes.add(
          new Json()
              .with("path", difference.path())
              .with("change", difference.change())
              .with("what", difference.what())
              .with("oldPath", difference.oldPath())
              .build());
    }
    return answer.with("changes", changes).with("truncated", result.truncated());
  }

  JsonObject delete(Parameters in) throws IOException, ApplianceException {
    mirror.delete(access.node(in.text("node")).name(), in.text("snapshot"));
    return new JsonObject();
  }

  JsonObject rollBack(Parameters in) throws IOException, ApplianceException {
    NodeRecord node = access.node(in.text("node"));
    Mirror.RolledBack done = mirror.rollBack(node, in.text("snapshot"));
    return new Json()
        .with("node", node.name())
        .with("snapshot", done.to().id())
        .with("sequence", done.sequence())
        .with("changedRows", done.changedRows())
        .with("savedAs", done.saved().id())
        .build();
  }
}
