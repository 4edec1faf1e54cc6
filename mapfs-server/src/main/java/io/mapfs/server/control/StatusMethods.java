package io.mapfs.server.control;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.mapfs.core.block.BlockStatistics;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlTable;
import java.io.IOException;
import java.util.Collection;
import java.util.function.Supplier;

/** Control methods that tell how everything is. */
final class StatusMethods {
  private final ApplianceStore store;
  private final NodeMethods nodes;
  private final RepositoryMethods repository;
  private final Unrecorded unrecorded;
  private final Supplier<Collection<Client>> clients;
  private final String software;
  private final long startedMillis;

  StatusMethods(
      ApplianceStore store,
      NodeMethods nodes,
      RepositoryMethods repository,
      Unrecorded unrecorded,
      Supplier<Collection<Client>> clients,
      String software) {
    this.store = store;
    this.nodes = nodes;
    this.repository = repository;
    this.unrecorded = unrecorded;
    this.clients = clients;
    this.software = software;
    this.startedMillis = store.control().nowMillis();
  }

  JsonObject appliance() throws IOException {
    return summary().build();
  }

  private Json summary() throws IOException {
    JsonArray sessions = new JsonArray();
    for (Client client : clients.get()) {
      sessions.add(
          new Json()
              .with("peer", client.session().peer())
              .with("node", client.session().node())
              .with("who", client.caller().toString())
              .build());
    }
    BlockStatistics statistics = store.packs().statistics();
    return new Json()
        .with("clusterId", store.clusterId())
        .with("software", software)
        .with("startedMillis", startedMillis)
        .with("storeBytes", statistics.storedBytes())
        .with("contentBytes", statistics.rawBytes())
        .with("freeBytes", store.space().freeBytes())
        .with("blocks", statistics.blocks())
        .with("masters", store.repository().masters().size())
        .with("nodes", store.control().list(ControlTable.NODES, "").size())
        .with("unrecorded", unrecorded.list())
        .with("sessions", sessions);
  }

  JsonObject all() throws IOException, ApplianceException {
    return new Json()
        .with("appliance", summary().build())
        .with("masters", repository.masters().get("masters"))
        .with("nodes", nodes.list().get("nodes"))
        .build();
  }
}
