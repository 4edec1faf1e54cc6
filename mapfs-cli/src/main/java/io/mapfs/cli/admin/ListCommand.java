package io.mapfs.cli.admin;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.Table;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;

/** {@code mapfs admin list}. */
@Command(
    name = "list",
    header = "List administrators, revoked ones too.",
    footer = {"", "Example:", "  mapfs admin list"})
final class ListCommand extends ApplianceCommand {
  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result = client.call("admin.list", new JsonObject());
    print(
        result,
        out -> {
          Table table = new Table("NAME", "ADDED", "BY", "REVOKED");
          for (JsonObject administrator : Fields.objects(result, "administrators")) {
            table.row(
                Fields.text(administrator, "name"),
                Fields.time(administrator, "issuedMillis"),
                Fields.text(administrator, "issuedBy"),
                Fields.time(administrator, "revokedMillis"));
          }
          table.print(out, "There are no administrators.");
        });
    return 0;
  }
}
