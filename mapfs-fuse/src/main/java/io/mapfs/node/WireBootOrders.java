package io.mapfs.node;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.tree.BootOrder;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.node.cache.BootOrders;
import java.io.IOException;
import java.util.Base64;

/** A master's boot order, as the appliance keeps it. */
final class WireBootOrders implements BootOrders {
  private final ApplianceClient client;
  private final String master;

  WireBootOrders(ApplianceClient client, String master) {
    this.client = client;
    this.master = master;
  }

  @Override
  public BootOrder get() throws IOException {
    JsonElement order = call("boot.get", parameters()).get("order");
    if (order == null || order.isJsonNull()) {
      return null;
    }
    try {
      return BootOrder.decode(Base64.getDecoder().decode(order.getAsString()));
    } catch (IllegalArgumentException e) {
      throw new IOException("a boot order that is no base64", e);
    }
  }

  @Override
  public void put(BootOrder order) throws IOException {
    JsonObject parameters = parameters();
    parameters.addProperty("order", Base64.getEncoder().encodeToString(order.encode()));
    call("boot.put", parameters);
  }

  private JsonObject parameters() {
    JsonObject parameters = new JsonObject();
    parameters.addProperty("master", master);
    return parameters;
  }

  private JsonObject call(String method, JsonObject parameters) throws IOException {
    try {
      return client.call(method, parameters);
    } catch (ApplianceException e) {
      throw new IOException(e.getMessage(), e);
    }
  }
}
