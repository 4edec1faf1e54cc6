package io.mapfs.server.control;

import com.google.gson.JsonObject;
import io.mapfs.core.tree.BootOrder;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.BootRecord;
import io.mapfs.server.store.ControlTable;
import java.io.IOException;
import java.util.Base64;

/**
 * The order in which nodes of a master read its blocks at a boot. Any node of the master may set
 * it: a wrong one costs the others blocks that they fetch for nothing, and nothing else.
 */
final class BootMethods {
  private final ApplianceStore store;
  private final Access access;

  BootMethods(ApplianceStore store, Access access) {
    this.store = store;
    this.access = access;
  }

  JsonObject get(Client client, Parameters in) throws IOException, ApplianceException {
    BootRecord boot = store.control().get(ControlTable.BOOTS, master(client, in));
    return boot == null
        ? new JsonObject()
        : new Json()
            .with("node", boot.node())
            .with("recordedMillis", boot.recordedMillis())
            .with("order", boot.order())
            .build();
  }

  JsonObject put(Client client, Parameters in) throws IOException, ApplianceException {
    String master = master(client, in);
    byte[] order = in.bytes("order", BootOrder.ENCODED_BYTES_MAX);
    try {
      BootOrder.decode(order);
    } catch (IOException e) {
      throw new ApplianceException(FailureCode.INVALID, e.getMessage(), e);
    }
    BootRecord boot =
        new BootRecord(
            master,
            client.caller().name(),
            store.control().nowMillis(),
            Base64.getEncoder().encodeToString(order));
    store.control().commit(ControlChange.put(ControlTable.BOOTS, master, boot));
    return new JsonObject();
  }

  private String master(Client client, Parameters in) throws IOException, ApplianceException {
    String master = store.repository().master(in.text("master")).name();
    access.requireMaster(client, master);
    return master;
  }
}
