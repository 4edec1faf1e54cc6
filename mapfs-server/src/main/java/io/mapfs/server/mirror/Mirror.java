package io.mapfs.server.mirror;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.overlay.HeadPosition;
import io.mapfs.server.overlay.Overlay;
import io.mapfs.server.overlay.Overlays;
import io.mapfs.server.overlay.Tails;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlRecords.SnapshotRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import io.mapfs.server.store.Names;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Snapshots and what is done with them. Safe for concurrent use. */
public final class Mirror {
  /** The name of the head, in place of a snapshot's. */
  public static final String LIVE = "live";

  /** Longest time that a mounted node may take to hand over its changes. */
  public static final long BARRIER_MILLIS_MAX = 30_000;

  private final ApplianceStore store;
  private final ControlStore control;
  private final Overlays overlays;
  private final Manifests manifests;

  public Mirror(ApplianceStore store, Overlays overlays) {
    this.store = store;
    this.control = store.control();
    this.overlays = overlays;
    this.manifests = new Manifests(store, overlays);
  }

  // ---- snapshots ----

  /** Takes a snapshot; a mounted node hands over its changes first. */
  public SnapshotRecord create(NodeRecord node, String name, String comment)
      throws IOException, ApplianceException {
    if (name != null) {
      requireFree(node, name);
    }
    Overlay overlay = overlays.get(node.name());
    overlay.lease().barrier(BARRIER_MILLIS_MAX);
    SnapshotRecord snapshot =
        overlay.head().withHead(position -> record(node, overlay, position, name, comment, false));
    if (snapshot.entries() <= Manifests.ENTRIES_AT_ONCE) {
      manifests.write(snapshot, overlay);
    }
    return snapshot;
  }

  /** The snapshot's delta manifest. */
  public String manifest(SnapshotRecord snapshot) throws IOException, ApplianceException {
    Overlay overlay = overlays.get(snapshot.node());
    overlay
        .head()
        .withHead(
            position -> {
              // Asked for again under the fold lock: once pinned, its deletion does no harm.
              find(snapshot.node(), snapshot.id());
              overlay.head().retain(snapshot.sequence());
              return null;
            });
    try {
      return manifests.text(snapshot, overlay);
    } finally {
      overlay.head().release(snapshot.sequence());
    }
  }

  /** The manifest's length; 0 while it was not needed yet. */
  public long manifestBytes(SnapshotRecord snapshot) throws IOException {
    return manifests.bytes(snapshot);
  }

  /** What differs between two snapshots, or the head ({@link #LIVE}). */
  public Differences.Result diff(NodeRecord node, String from, String to)
      throws IOException, ApplianceException {
    Overlay overlay = overlays.get(node.name());
    if (from.equals(LIVE) || to.equals(LIVE)) {
      overlay.lease().barrier(BARRIER_MILLIS_MAX);
    }
    return overlay
        .head()
        .withPinnedHead(
            position ->
                Differences.between(
                    view(node, overlay, from, position), view(node, overlay, to, position)));
  }

  private HeadView view(NodeRecord node, Overlay overlay, String nameOrId, HeadPosition live)
      throws IOException, ApplianceException {
    if (nameOrId.equals(LIVE)) {
      return new HeadView(
          overlay, store.repository(), node.master(), live.version(), live.sequence());
    }
    SnapshotRecord snapshot = find(node.name(), nameOrId);
    return new HeadView(
        overlay, store.repository(), node.master(), snapshot.version(), snapshot.sequence());
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
    long number;
    do {
      number = control.nextId("snapshot/" + node.overlayId());
    } while (manifests.exists(node.name(), "s" + number));
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
    overlay.head().sync();
    overlay.head().retain(position.sequence());
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
    // First the manifest, which can be written again: one without a record is a record lost.
    manifests.delete(snapshot);
    control.commit(
        ControlChange.delete(ControlTable.SNAPSHOTS, ControlTable.key(node, snapshot.number())));
    // Again: somebody may have asked for it meanwhile.
    manifests.delete(snapshot);
    overlays.get(node).head().release(snapshot.sequence());
  }

  // ---- late tails ----

  /** What a late tail would have changed, by paths as the head has them now. */
  public Differences.Result changes(NodeRecord node, Tails tails, Tails.Tail tail)
      throws IOException, ApplianceException {
    Overlay overlay = overlays.get(node.name());
    return overlay
        .head()
        .withPinnedHead(
            position ->
                TailChanges.of(
                    visitor -> tails.forEach(node, tail, visitor),
                    view(node, overlay, LIVE, position)));
  }

  // ---- other versions ----

  /** What moving a node to another version means. */
  public record Update(int from, int to, List<Rebase.Conflict> conflicts) {}

  /**
   * Moves a node to another version at its next mount, or only says what that means.
   *
   * @param channel the channel that was named; {@code null} if it was a number
   */
  public Update update(NodeRecord node, int version, String channel, boolean dryRun)
      throws IOException, ApplianceException {
    Overlay overlay = overlays.get(node.name());
    overlay.lease().barrier(BARRIER_MILLIS_MAX);
    Update update =
        overlay
            .head()
            .withPinnedHead(
                position ->
                    new Update(
                        position.version(),
                        version,
                        position.version() == version
                            ? List.of()
                            : plan(node, overlay, position, version).conflicts()));
    if (!dryRun) {
      overlay
          .head()
          .withHead(
              position -> {
                // Read again under the fold lock, where a mount carries out what is pending.
                int pending = position.version() == version ? 0 : version;
                control.commit(
                    ControlChange.put(
                        ControlTable.NODES,
                        node.name(),
                        control
                            .get(ControlTable.NODES, node.name())
                            .withPending(pending, channel)));
                return null;
              });
    }
    return update;
  }

  private Rebase.Plan plan(NodeRecord node, Overlay overlay, HeadPosition position, int version)
      throws IOException {
    return Rebase.plan(
        new HeadView(
            overlay, store.repository(), node.master(), position.version(), position.sequence()),
        store.repository().tree(node.master(), version),
        position);
  }

  /** Moves the overlay to the version that waits for it; within the granting of its lease. */
  public void applyPendingVersion(Overlay overlay, long epoch)
      throws IOException, ApplianceException {
    NodeRecord node = control.get(ControlTable.NODES, overlay.node());
    if (node == null || node.pendingVersion() == 0) {
      return;
    }
    HeadPosition position = overlay.standing().position();
    if (position.version() != node.pendingVersion()) {
      Rebase.Plan plan = plan(node, overlay, position, node.pendingVersion());
      overlay
          .changes()
          .rebase(
              plan.changed(), node.pendingVersion(), epoch, position.nextIno(), plan.nextCookie());
    }
    control.commit(
        ControlChange.put(ControlTable.NODES, node.name(), node.withPending(0, node.channel())));
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
    overlay
        .lease()
        .change(
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
                  overlay
                      .changes()
                      .rollBack(
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
