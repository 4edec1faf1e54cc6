package io.mapfs.cli.repo;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.Table;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;

/** {@code mapfs repo list}. */
@Command(
    name = "list",
    header = "List masters.",
    footer = {"", "Example:", "  mapfs repo list"})
final class ListCommand extends ApplianceCommand {
  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result = client.call("master.list", new JsonObject());
    print(
        result,
        out -> {
          Table table = new Table("MASTER", ">LATEST", ">VERSIONS", "CREATED");
          for (JsonObject master : Fields.objects(result, "masters")) {
            table.row(
                Fields.text(master, "name"),
                Fields.text(master, "latest"),
                Fields.text(master, "versions"),
                Fields.time(master, "createdMillis"));
          }
          table.print(out, "No masters yet. Import one: mapfs repo import NAME DIRECTORY");
        });
    return 0;
  }
}
