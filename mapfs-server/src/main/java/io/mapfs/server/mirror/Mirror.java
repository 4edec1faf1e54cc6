package io.mapfs.server.mirror;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.overlay.HeadPosition;
import io.mapfs.server.overlay.Overlay;
import io.mapfs.server.overlay.Overlays;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlRecords.SnapshotRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import io.mapfs.server.store.Names;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Snapshots and what is done with them. Safe for concurrent use. */
public final class Mirror {
  /** The name of the head, in place of a snapshot's. */
  public static final String LIVE = "live";

  private static final long BARRIER_MILLIS_MAX = 30_000;

  private final ControlStore control;
  private final Overlays overlays;

  public Mirror(ApplianceStore store, Overlays overlays) {
    this.control = store.control();
    this.overlays = overlays;
  }

  // ---- snapshots ----

  /** Takes a snapshot; a mounted node hands over its changes first. */
  public SnapshotRecord create(NodeRecord node, String name, String comment)
      throws IOException, ApplianceException {
    if (name != null) {
      requireFree(node, name);
    }
    Overlay overlay = overlays.get(node.name());
    overlay.barrier(BARRIER_MILLIS_MAX);
    return overlay.withHead(position -> record(node, overlay, position, name, comment, false));
  }

  private void requireFree(NodeRecord node, String name) throws IOException, ApplianceException {
    Names.require("snapshot", name);
    if (name.equals(LIVE) || name.matches("s[0-9]+")) {
      throw new ApplianceException(
          FailureCode.INVALID, "'" + name + "' is taken by MapFS itself: choose another name");
    }
    for (SnapshotRecord existing : list(node.name())) {
      if (name.equals(existing.name())) {
        throw new ApplianceException(
            FailureCode.CONFLICT,
            node.name()
                + " has a snapshot '"
                + name
                + "' already ("
                + existing.id()
                + "): choose another name, or delete it");
      }
    }
  }

  /** Under the overlay's fold lock, which also makes names unique. */
  private SnapshotRecord record(
      NodeRecord node,
      Overlay overlay,
      HeadPosition position,
      String name,
      String comment,
      boolean automatic)
      throws IOException, ApplianceException {
    if (name != null) {
      requireFree(node, name);
    }
    long number = control.nextId("snapshot/" + node.overlayId());
    SnapshotRecord snapshot =
        new SnapshotRecord(
            node.name(),
            number,
            "s" + number,
            name,
            comment,
            control.nowMillis(),
            node.master(),
            position.version(),
            overlay.standing().epoch(),
            position.sequence(),
            HexFormat.of().formatHex(position.hash()),
            position.entries(),
            position.ownBytes(),
            automatic);
    // What it names is durable before it is.
    overlay.syncRows();
    overlay.retain(position.sequence());
    control.commit(
        ControlChange.put(ControlTable.SNAPSHOTS, ControlTable.key(node.name(), number), snapshot));
    return snapshot;
  }

  public List<SnapshotRecord> list(String node) throws IOException {
    return control.list(ControlTable.SNAPSHOTS, node + "/");
  }

  /** A snapshot by name or id. */
  public SnapshotRecord find(String node, String nameOrId) throws IOException, ApplianceException {
    List<String> names = new ArrayList<>();
    for (SnapshotRecord snapshot : list(node)) {
      if (nameOrId.equals(snapshot.name()) || nameOrId.equals(snapshot.id())) {
        return snapshot;
      }
      names.add(snapshot.name() == null ? snapshot.id() : snapshot.name());
    }
    throw Names.notFound("snapshot of " + node, nameOrId, names);
  }

  public void delete(String node, String nameOrId) throws IOException, ApplianceException {
    SnapshotRecord snapshot = find(node, nameOrId);
    control.commit(
        ControlChange.delete(ControlTable.SNAPSHOTS, ControlTable.key(node, snapshot.number())));
    Files.deleteIfExists(manifestFile(snapshot));
    overlays.get(node).release(snapshot.sequence());
  }

  private Path manifestFile(SnapshotRecord snapshot) {
    return overlays
        .directory(snapshot.node())
        .resolve("snapshots")
        .resolve(snapshot.id() + ".manifest");
  }

  // ---- rollback ----

  /** What a rollback did. */
  public record RolledBack(
      SnapshotRecord to, SnapshotRecord saved, long sequence, long changedRows) {}

  /** Makes the head what the snapshot is; what was there before is kept as a snapshot. */
  public RolledBack rollBack(NodeRecord node, String nameOrId)
      throws IOException, ApplianceException {
    Overlay overlay = overlays.get(node.name());
    RolledBack[] result = new RolledBack[1];
    overlay.change(
        "a rollback",
        epoch -> {
          SnapshotRecord target = find(node.name(), nameOrId);
          SnapshotRecord saved =
              record(
                  node,
                  overlay,
                  overlay.standing().position(),
                  null,
                  "before the rollback to " + nameOrId,
                  true);
          long changed =
              overlay.rollBack(
                  new HeadPosition.Forward(
                      target.sequence(),
                      target.version(),
                      epoch,
                      target.entries(),
                      target.ownBytes()));
          result[0] =
              new RolledBack(target, saved, overlay.standing().position().sequence(), changed);
        });
    return result[0];
  }
}
