package io.mapfs.cli.appliance;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.Table;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import java.util.List;
import picocli.CommandLine.Command;

/** {@code mapfs appliance status}. */
@Command(
    name = "status",
    header = "Show the appliance's store and who is connected.",
    footer = {"", "Example:", "  mapfs appliance status"})
final class StatusCommand extends ApplianceCommand {
  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result = client.call("appliance.status", new JsonObject());
    print(
        result,
        out -> {
          Fields.line(out, "Appliance", connection().text());
          Fields.line(out, "Cluster", Fields.text(result, "clusterId"));
          Fields.line(out, "Software", Fields.text(result, "software"));
          Fields.line(out, "Up since", Fields.time(result, "startedMillis"));
          Fields.line(out, "Store", Fields.size(result, "storeBytes"));
          Fields.line(out, "Free", Fields.size(result, "freeBytes"));
          Fields.line(out, "Blocks", Fields.text(result, "blocks"));
          Fields.line(out, "Masters", Fields.text(result, "masters"));
          Fields.line(out, "Nodes", Fields.text(result, "nodes"));
          for (String file : Fields.texts(result, "unrecorded")) {
            Fields.line(out, "Unrecorded", file);
          }
          List<JsonObject> sessions = Fields.objects(result, "sessions");
          out.println();
          Table table = new Table("CONNECTED FROM", "WHO");
          for (JsonObject session : sessions) {
            table.row(Fields.text(session, "peer"), Fields.text(session, "who"));
          }
          table.print(out, "Nobody is connected.");
        });
    return 0;
  }
}
