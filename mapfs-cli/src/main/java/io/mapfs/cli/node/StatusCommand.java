package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;

/** {@code mapfs status}. */
@Command(
    name = "status",
    header = "Show the appliance and all nodes.",
    footer = {"", "Examples:", "  mapfs status", "  mapfs status --output json"})
public final class StatusCommand extends ApplianceCommand {
  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result = client.call("status", new JsonObject());
    print(
        result,
        out -> {
          JsonObject appliance = Fields.object(result, "appliance");
          out.printf(
              "Appliance %s: %s, up since %s%n",
              connection().text(),
              Fields.text(appliance, "software"),
              Fields.time(appliance, "startedMillis"));
          out.printf(
              "Store: %s used, %s free, %s blocks, %s masters%n%n",
              Fields.size(appliance, "storeBytes"),
              Fields.size(appliance, "freeBytes"),
              Fields.text(appliance, "blocks"),
              Fields.text(appliance, "masters"));
          NodeView.printAll(out, Fields.objects(result, "nodes"));
        });
    return 0;
  }
}
