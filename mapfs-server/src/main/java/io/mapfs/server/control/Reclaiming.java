package io.mapfs.server.control;

import com.google.gson.JsonObject;
import io.mapfs.core.block.PackSweep;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.overlay.Overlay;
import io.mapfs.server.overlay.Overlays;
import io.mapfs.server.overlay.Tails;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.BlockMembership;
import io.mapfs.server.store.ControlRecords.ChannelRecord;
import io.mapfs.server.store.ControlRecords.MasterRecord;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlRecords.SnapshotRecord;
import io.mapfs.server.store.ControlRecords.VersionRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import io.mapfs.server.store.Repository;
import java.io.IOException;
import java.util.function.Consumer;

/** Control methods that give space back: deleting versions, and sweeping blocks. */
final class Reclaiming {
  private final ApplianceStore store;
  private final ControlStore control;
  private final Repository repository;
  private final Overlays overlays;
  private final Tails tails;
  private final Unrecorded unrecorded;

  Reclaiming(ApplianceStore store, Overlays overlays, Tails tails, Unrecorded unrecorded) {
    this.store = store;
    this.control = store.control();
    this.repository = store.repository();
    this.overlays = overlays;
    this.tails = tails;
    this.unrecorded = unrecorded;
  }

  // ---- versions ----

  JsonObject deleteVersion(Parameters in) throws IOException, ApplianceException {
    VersionRecord version = repository.version(in.text("master"), in.text("version"));
    repository.delete(
        version,
        () -> {
          requireUnused(version);
          return null;
        });
    return new JsonObject();
  }

  private void requireUnused(VersionRecord version) throws IOException, ApplianceException {
    unrecorded.requireNone();
    if (repository.master(version.master()).latest() == version.version()) {
      throw inUse(version, "it is the newest: import another first");
    }
    for (ChannelRecord channel : control.list(ControlTable.CHANNELS, version.master() + "/")) {
      if (channel.version() == version.version()) {
        throw inUse(version, "channel '" + channel.name() + "' points at it");
      }
    }
    for (NodeRecord node : control.list(ControlTable.NODES, "")) {
      if (node.master().equals(version.master())) {
        requireUnused(version, node);
      }
    }
  }

  private void requireUnused(VersionRecord version, NodeRecord node)
      throws IOException, ApplianceException {
    if (node.pendingVersion() == version.version()) {
      throw inUse(version, "node " + node.name() + " is to move to it");
    }
    for (SnapshotRecord snapshot : control.list(ControlTable.SNAPSHOTS, node.name() + "/")) {
      if (snapshot.version() == version.version()) {
        throw inUse(version, "snapshot " + snapshot.id() + " of " + node.name() + " stands on it");
      }
    }
    // Also refuses if it cannot be told, because the overlay is out of use.
    if (overlays.get(node.name()).needs(version.version())) {
      throw inUse(version, "node " + node.name() + " has files that stand on it");
    }
  }

  private static ApplianceException inUse(VersionRecord version, String why) {
    return new ApplianceException(
        FailureCode.CONFLICT,
        "version " + version.version() + " of " + version.master() + " is in use: " + why);
  }

  // ---- blocks ----

  JsonObject sweep(Consumer<JsonObject> progress) throws IOException, ApplianceException {
    try (PackSweep sweep = store.packs().beginSweep()) {
      // What an import was told to be here before the sweep began is in no tree yet.
      if (store.imports().isImporting()) {
        throw new ApplianceException(
            FailureCode.CONFLICT, "an import is running: wait for it, or stop it");
      }
      for (String node : overlays.faulted()) {
        throw new ApplianceException(
            FailureCode.CONFLICT,
            "nobody can tell what node " + node + " needs: restore its overlay, or remove it");
      }
      unrecorded.requireNone();
      BlockMembership named = named();
      PackSweep.Result result =
          sweep.run(
              named::contains,
              (done, total) ->
                  progress.accept(
                      new Json()
                          .with("done", done)
                          .with("total", total)
                          .with("what", "bytes of blocks")
                          .build()));
      overlays.all().forEach(Overlay::swept);
      return new Json()
          .with("packs", result.packs())
          .with("freedBytes", result.freedBytes())
          .build();
    }
  }

  private BlockMembership named() throws IOException, ApplianceException {
    for (Overlay overlay : overlays.all()) {
      // Blocks of a folding that had begun are named by rows now; later ones the sweep knows of.
      overlay.head().settle();
    }
    BlockMembership.Builder named = new BlockMembership.Builder();
    overlays.rows().forEachNamed(named);
    tails.forEachNamed(named);
    for (MasterRecord master : repository.masters()) {
      for (VersionRecord version : repository.versions(master.name())) {
        repository.forEachBlock(master.name(), version.version(), named);
      }
    }
    return named.build();
  }
}
