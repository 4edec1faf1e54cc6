package io.mapfs.cli.snapshot;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.Table;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs snapshot list}. */
@Command(
    name = "list",
    header = "List a node's snapshots.",
    footer = {"", "Example:", "  mapfs snapshot list web01"})
final class ListCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call("snapshot.list", new CallParameters().with("node", node).json());
    print(
        result,
        out -> {
          Table table =
              new Table(
                  "ID",
                  "NAME",
                  "CREATED",
                  ">VERSION",
                  ">CHANGED",
                  ">OWN DATA",
                  ">MANIFEST",
                  "COMMENT");
          for (JsonObject snapshot : Fields.objects(result, "snapshots")) {
            table.row(
                Fields.text(snapshot, "id"),
                Fields.text(snapshot, "name"),
                Fields.time(snapshot, "createdMillis"),
                Fields.text(snapshot, "version"),
                Fields.text(snapshot, "entries"),
                Fields.size(snapshot, "ownBytes"),
                Fields.size(snapshot, "manifestBytes"),
                Fields.text(snapshot, "comment"));
          }
          table.print(out, "No snapshots yet. Take one: mapfs snapshot create " + node);
        });
    return 0;
  }
}
