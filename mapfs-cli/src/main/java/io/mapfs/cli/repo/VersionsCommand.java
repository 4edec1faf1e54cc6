package io.mapfs.cli.repo;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.Table;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs repo versions}. */
@Command(
    name = "versions",
    header = "List a master's versions.",
    footer = {"", "Example:", "  mapfs repo versions debian"})
final class VersionsCommand extends ApplianceCommand {
  @Parameters(paramLabel = "MASTER", description = "The master's name.")
  private String master;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call("master.versions", new CallParameters().with("master", master).json());
    print(
        result,
        out -> {
          Table table =
              new Table(
                  ">VERSION",
                  "CREATED",
                  ">ENTRIES",
                  ">CONTENT",
                  ">NEW STORED",
                  "CHANNELS",
                  "COMMENT");
          for (JsonObject version : Fields.objects(result, "versions")) {
            table.row(
                Fields.text(version, "version"),
                Fields.time(version, "createdMillis"),
                Fields.text(version, "entries"),
                Fields.size(version, "contentBytes"),
                Fields.size(version, "newStoredBytes"),
                String.join(",", Fields.texts(version, "channels")),
                Fields.text(version, "comment"));
          }
          table.print(
              out, "No versions yet. Import one: mapfs repo import " + master + " DIRECTORY");
        });
    return 0;
  }
}
