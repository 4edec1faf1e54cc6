package io.mapfs.server.control;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockFault;
import io.mapfs.core.block.BlockStatistics;
import io.mapfs.core.tree.CorruptTreeException;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlRecords.MasterRecord;
import io.mapfs.server.store.ControlRecords.VersionRecord;
import io.mapfs.server.store.Import;
import io.mapfs.server.store.Repository;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Control methods on masters, versions and imports. */
final class RepositoryMethods {
  private final ApplianceStore store;
  private final Repository repository;
  private final Access access;
  private final Unrecorded unrecorded;

  RepositoryMethods(ApplianceStore store, Access access, Unrecorded unrecorded) {
    this.store = store;
    this.repository = store.repository();
    this.access = access;
    this.unrecorded = unrecorded;
  }

  JsonObject masters() throws IOException {
    JsonArray list = new JsonArray();
    for (MasterRecord master : repository.masters()) {
      list.add(
          new Json()
              .with("name", master.name())
              .with("latest", master.latest())
              .with("versions", repository.versions(master.name()).size())
              .with("createdMillis", master.createdMillis())
              .build());
    }
    return new Json().with("masters", list).build();
  }

  JsonObject versions(Client client, Parameters in) throws IOException, ApplianceException {
    MasterRecord master = repository.master(in.text("master"));
    access.requireMaster(client, master.name());
    JsonArray list = new JsonArray();
    for (VersionRecord version : repository.versions(master.name())) {
      list.add(summary(version).build());
    }
    return new Json().with("master", master.name()).with("versions", list).build();
  }

  private Json summary(VersionRecord version) throws IOException {
    return new Json()
        .with("version", version.version())
        .with("createdMillis", version.createdMillis())
        .with("entries", version.entries())
        .with("contentBytes", version.contentBytes())
        .with("newBlocks", version.newBlocks())
        .with("newStoredBytes", version.newStoredBytes())
        .with("comment", version.comment())
        .with("channels", repository.channels(version));
  }

  JsonObject show(Client client, Parameters in) throws IOException, ApplianceException {
    String master = in.text("master");
    access.requireMaster(client, master);
    VersionRecord version = repository.version(master, in.text("version", Repository.LATEST));
    return summary(version)
        .with("master", version.master())
        .with("treeBytes", version.treeBytes())
        .with("treeHash", version.treeHash())
        .with("inodes", version.inodes())
        .with("nextIno", version.nextIno())
        .build();
  }

  // ---- verification ----

  /** Reads trees, and all blocks, and checks them; goes on past a fault. */
  JsonObject verify(Parameters in, Consumer<JsonObject> progress)
      throws IOException, ApplianceException {
    // What it says cannot be compared with anything while it is damaged itself.
    store.packs().verifyIndex();
    List<VersionRecord> versions = chosen(in);
    JsonArray faults = new JsonArray();
    for (String file : unrecorded.list()) {
      faults.add(fault(file, "no control record names it"));
    }
    int done = 0;
    for (VersionRecord version : versions) {
      verifyTree(version, faults);
      done++;
      progress.accept(
          new Json()
              .with("done", done)
              .with("total", versions.size())
              .with("what", "trees")
              .build());
    }
    for (BlockFault fault :
        store
            .packs()
            .verify(
                (checkedBytes, totalBytes) ->
                    progress.accept(
                        new Json()
                            .with("done", checkedBytes)
                            .with("total", totalBytes)
                            .with("what", "bytes of blocks")
                            .build()))) {
      faults.add(fault(fault.pack() + " at " + fault.offsetBytes(), fault.what()));
    }
    BlockStatistics statistics = store.packs().statistics();
    return new Json()
        .with("checkedBlocks", statistics.blocks())
        .with("checkedBytes", statistics.storedBytes())
        .with("faults", faults)
        .build();
  }

  private List<VersionRecord> chosen(Parameters in) throws IOException, ApplianceException {
    String master = in.text("master", null);
    String version = in.text("version", null);
    List<VersionRecord> versions = new ArrayList<>();
    if (master == null) {
      for (MasterRecord each : repository.masters()) {
        versions.addAll(repository.versions(each.name()));
      }
    } else if (version == null) {
      versions.addAll(repository.versions(repository.master(master).name()));
    } else {
      versions.add(repository.version(master, version));
    }
    return versions;
  }

  private void verifyTree(VersionRecord version, JsonArray faults) {
    String where = "version " + version.version() + " of " + version.master();
    try {
      repository.tree(version.master(), version.version()).verifyAll();
      long missing =
          repository.countMissingBlocks(version.master(), version.version(), store.blocks());
      if (missing > 0) {
        faults.add(fault(where, missing + " of its blocks are missing from the store"));
      }
    } catch (IOException | CorruptTreeException e) {
      faults.add(fault(where, e.getMessage()));
    }
  }

  private static JsonObject fault(String where, String what) {
    return new Json().with("where", where).with("what", what).build();
  }

  // ---- imports ----

  JsonObject begin(Client client, Parameters in) throws IOException, ApplianceException {
    Import begun =
        store
            .imports()
            .begin(
                client.session(),
                in.text("master"),
                in.flag("create", true),
                in.text("comment", null));
    return new Json()
        .with("importId", begun.id())
        .with("previousVersion", begun.previousVersion())
        .with("version", begun.version())
        .with("nextIno", begun.nextIno())
        .build();
  }

  JsonObject commit(Client client, Parameters in) throws IOException, ApplianceException {
    Parameters stats = new Parameters(in.method(), in.object("stats"));
    VersionRecord version =
        store
            .imports()
            .commit(
                client.session(),
                in.text("importId"),
                in.number("treeBytes", 0),
                in.text("treeHash"),
                stats.number("newBlocks", 0),
                stats.number("newStoredBytes", 0));
    return summary(version).with("master", version.master()).build();
  }

  JsonObject abort(Client client, Parameters in) throws IOException, ApplianceException {
    store.imports().abort(client.session(), in.text("importId"));
    return new JsonObject();
  }
}
