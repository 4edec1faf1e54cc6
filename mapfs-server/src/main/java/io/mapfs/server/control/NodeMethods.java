package io.mapfs.server.control;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.mirror.Mirror;
import io.mapfs.server.mirror.Rebase;
import io.mapfs.server.overlay.HeadPosition;
import io.mapfs.server.overlay.Overlay;
import io.mapfs.server.overlay.OverlayLease;
import io.mapfs.server.overlay.Overlays;
import io.mapfs.server.overlay.Tails;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.EncryptionRecord;
import io.mapfs.server.store.ControlRecords.EpochRecord;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlRecords.SnapshotRecord;
import io.mapfs.server.store.ControlRecords.TailRecord;
import io.mapfs.server.store.ControlRecords.VersionRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import io.mapfs.server.store.Names;
import io.mapfs.server.store.Repository;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Control methods on nodes. */
final class NodeMethods {
  private static final long QUOTA_STAYS = -1;

  private final ApplianceStore store;
  private final ControlStore control;
  private final Repository repository;
  private final Overlays overlays;
  private final Mirror mirror;
  private final Tails tails;
  private final Access access;
  private final OverlayKeys keys;
  private final RecoveryMethods recovery;
  private final Revocation revocation;

  /** Ends a node's right to connect. */
  interface Revocation {
    void revoke(String node) throws IOException;
  }

  NodeMethods(
      ApplianceStore store,
      Overlays overlays,
      Mirror mirror,
      Tails tails,
      Access access,
      OverlayKeys keys,
      RecoveryMethods recovery,
      Revocation revocation) {
    this.store = store;
    this.keys = keys;
    this.recovery = recovery;
    this.revocation = revocation;
    this.control = store.control();
    this.repository = store.repository();
    this.overlays = overlays;
    this.mirror = mirror;
    this.tails = tails;
    this.access = access;
  }

  JsonObject add(Client client, Parameters in) throws IOException, ApplianceException {
    if (in.flag("encrypt", false)) {
      if (client.session().isTrusted()) {
        throw new ApplianceException(
            FailureCode.INVALID,
            "an overlay's key is wrapped for its node's credential, and there are none with"
                + " --insecure: serve the appliance without");
      }
      recovery.required();
      // Before there is anything that an older release would misread.
      store.allowEncryption();
    }
    return repository.using(() -> addUsing(in));
  }

  private JsonObject addUsing(Parameters in) throws IOException, ApplianceException {
    String name = Names.require("node", in.text("node"));
    String wanted = in.text("version", Repository.LATEST);
    VersionRecord version = repository.version(in.text("master"), wanted);
    synchronized (this) {
      if (control.get(ControlTable.NODES, name) != null) {
        throw new ApplianceException(
            FailureCode.CONFLICT, "there is a node '" + name + "' already: choose another name");
      }
      NodeRecord node =
          new NodeRecord(
              name,
              overlays.newId(name),
              version.master(),
              version.version(),
              0,
              channel(wanted),
              in.number("quotaBytes", 0),
              in.number("cacheBytes", 0),
              in.text("template", null),
              control.nowMillis());
      List<ControlChange> changes = new ArrayList<>();
      changes.add(ControlChange.put(ControlTable.NODES, name, node));
      if (in.flag("encrypt", false)) {
        changes.add(
            ControlChange.put(ControlTable.ENCRYPTIONS, name, new EncryptionRecord(name, 0)));
      }
      control.commit(changes.toArray(new ControlChange[0]));
      overlays.add(node);
      return show(node);
    }
  }

  private static String channel(String version) {
    return version.matches("[0-9]+") ? null : version;
  }

  JsonObject list() throws IOException {
    JsonArray list = new JsonArray();
    for (NodeRecord node : control.list(ControlTable.NODES, "")) {
      list.add(show(node));
    }
    return new Json().with("nodes", list).build();
  }

  JsonObject show(Parameters in) throws IOException, ApplianceException {
    return show(access.node(in.text("node")));
  }

  /** What is known of the node; of one whose overlay is out of use only what its records say. */
  private JsonObject show(NodeRecord node) throws IOException {
    Json result =
        new Json()
            .with("node", node.name())
            .with("master", node.master())
            .with("version", node.version())
            .with("pendingVersion", node.pendingVersion())
            .with("channel", node.channel())
            .with("quotaBytes", node.quotaBytes())
            .with("cacheBytes", node.cacheBytes())
            .with("template", node.template())
            .with("snapshots", mirror.list(node.name()).size())
            .with("tails", tails.count(node.name()))
            .with("fault", overlays.fault(node.name()));
    OverlayKeys.State key = keys.state(node);
    result.with("encrypted", key != OverlayKeys.State.PLAIN);
    if (key != OverlayKeys.State.PLAIN) {
      result.with("key", key.text());
    }
    Overlay overlay = overlays.find(node.name());
    if (overlay != null) {
      addState(result, overlay);
    }
    return result.build();
  }

  private static void addState(Json result, Overlay overlay) {
    Overlay.Standing standing = overlay.standing();
    HeadPosition position = standing.position();
    result
        .with("version", position.version())
        .with("epoch", standing.epoch())
        .with("sequence", standing.sequence())
        .with("entries", position.entries())
        .with("ownBytes", position.ownBytes())
        .with("usedBytes", position.usedBytes())
        .with("unfoldedBytes", overlay.journal().lagBytes())
        .with("fault", overlay.journal().fault());
    if (overlay.isEncrypted()) {
      result.with("unlocked", overlay.isUnlocked());
    }
    OverlayLease.Mount mount = overlay.lease().mount();
    if (mount != null) {
      result.with(
          "mounted",
          new Json()
              .with("host", mount.host())
              .with("peer", mount.peer())
              .with("sinceMillis", mount.sinceMillis())
              .build());
    }
  }

  JsonObject update(Parameters in) throws IOException, ApplianceException {
    return repository.using(() -> updateUsing(in));
  }

  private JsonObject updateUsing(Parameters in) throws IOException, ApplianceException {
    NodeRecord node = access.node(in.text("node"));
    boolean dryRun = in.flag("dryRun", false);
    long quotaBytes = in.number("quotaBytes", QUOTA_STAYS);
    if (quotaBytes == QUOTA_STAYS) {
      return updateVersion(node, in.text("to"), dryRun).build();
    }
    if (dryRun) {
      throw new ApplianceException(FailureCode.INVALID, "a quota is changed without a dry run");
    }
    String to = in.text("to", null);
    Json result =
        to == null ? new Json().with("node", node.name()) : updateVersion(node, to, false);
    return changeQuota(node.name(), quotaBytes, result).build();
  }

  /** Gives the node another quota, and tells the machine that has it mounted. */
  private Json changeQuota(String name, long quotaBytes, Json result)
      throws IOException, ApplianceException {
    Overlay overlay;
    long before;
    long used;
    synchronized (this) {
      overlay = overlays.get(access.node(name).name());
      NodeRecord[] changed = new NodeRecord[1];
      used =
          overlay
              .head()
              .withHead(
                  position -> {
                    // Read again under the fold lock, as for a version.
                    changed[0] = access.node(name);
                    control.commit(
                        ControlChange.put(
                            ControlTable.NODES, name, changed[0].withQuota(quotaBytes)));
                    return position.usedBytes();
                  });
      before = changed[0].quotaBytes();
      overlay.lease().raiseGrant(quotaBytes);
    }
    boolean mounted = overlay.lease().mount() != null;
    boolean told = overlay.lease().tellQuota(() -> access.node(name).quotaBytes()).join();
    return result
        .with("formerQuotaBytes", before)
        .with("quotaBytes", quotaBytes)
        .with("usedBytes", used)
        .with("mounted", mounted)
        .with("told", told);
  }

  private Json updateVersion(NodeRecord node, String to, boolean dryRun)
      throws IOException, ApplianceException {
    VersionRecord version = repository.version(node.master(), to);
    Mirror.Update update = mirror.update(node, version.version(), channel(to), dryRun);
    JsonArray conflicts = new JsonArray();
    for (Rebase.Conflict conflict : update.conflicts()) {
      conflicts.add(
          new Json()
              .with("path", conflict.path())
              .with("kind", conflict.kind())
              .with("repository", conflict.repository())
              .with("overlay", conflict.overlay())
              .build());
    }
    return new Json()
        .with("node", node.name())
        .with("from", update.from())
        .with("to", update.to())
        .with("conflicts", conflicts)
        .with("applied", !dryRun);
  }

  /** Ends the node's lease; whoever had it may be asked to hand over its changes first. */
  JsonObject fence(Parameters in) throws IOException, ApplianceException {
    NodeRecord node = access.node(in.text("node"));
    Overlay overlay = overlays.get(node.name());
    if (in.flag("handOver", false)) {
      overlay.lease().barrier(Mirror.BARRIER_MILLIS_MAX);
    }
    OverlayLease.Mount mount = overlay.lease().mount();
    long epoch = overlay.lease().end();
    return new Json()
        .with("node", node.name())
        .with("epoch", epoch)
        .with("sequence", overlay.standing().sequence())
        .with("host", mount == null ? null : mount.host())
        .build();
  }

  JsonObject remove(Parameters in) throws IOException, ApplianceException {
    synchronized (this) {
      NodeRecord node = access.node(in.text("node"));
      Overlay overlay = overlays.find(node.name());
      OverlayLease.Mount mount = overlay == null ? null : overlay.lease().mount();
      boolean force = in.flag("force", false);
      if (mount != null && !force) {
        throw new ApplianceException(
            FailureCode.CONFLICT,
            node.name() + " is mounted by " + mount.host() + ": unmount it there, or use --force");
      }
      List<ControlChange> changes = new ArrayList<>();
      List<SnapshotRecord> snapshots = mirror.list(node.name());
      if (!snapshots.isEmpty() && !force) {
        throw new ApplianceException(
            FailureCode.CONFLICT,
            node.name()
                + " has "
                + snapshots.size()
                + " snapshots, which would go with it: delete them, or use --force");
      }
      int lateTails = tails.count(node.name());
      if (lateTails > 0 && !force) {
        throw new ApplianceException(
            FailureCode.CONFLICT,
            node.name()
                + " has "
                + lateTails
                + " late tails, which would go with it: drop them, or use --force");
      }
      for (SnapshotRecord snapshot : snapshots) {
        changes.add(
            ControlChange.delete(
                ControlTable.SNAPSHOTS, ControlTable.key(node.name(), snapshot.number())));
      }
      for (EpochRecord epoch : control.list(ControlTable.EPOCHS, node.name() + "/")) {
        changes.add(
            ControlChange.delete(
                ControlTable.EPOCHS, ControlTable.key(node.name(), epoch.epoch())));
      }
      for (TailRecord tail : control.list(ControlTable.TAILS, node.name() + "/")) {
        changes.add(
            ControlChange.delete(ControlTable.TAILS, ControlTable.key(node.name(), tail.number())));
      }
      changes.add(ControlChange.delete(ControlTable.LEASES, node.name()));
      changes.add(ControlChange.delete(ControlTable.ENCRYPTIONS, node.name()));
      changes.add(ControlChange.delete(ControlTable.NODES, node.name()));
      if (mount != null) {
        overlay.lease().fence("the node was removed");
      }
      // First: or its machines could be another node's that is given the name.
      revocation.revoke(node.name());
      control.commit(changes.toArray(new ControlChange[0]));
      tails.release(node.name());
      overlays.remove(node.name(), node.overlayId());
      return new JsonObject();
    }
  }
}
