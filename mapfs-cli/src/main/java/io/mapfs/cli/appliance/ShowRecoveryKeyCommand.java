package io.mapfs.cli.appliance;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;

/** {@code mapfs appliance recovery-key show}. */
@Command(
    name = "show",
    header = "Show which recovery key is in force.",
    footer = {"", "Example:", "  mapfs appliance recovery-key show"})
final class ShowRecoveryKeyCommand extends ApplianceCommand {
  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result = client.call("recovery.show", new JsonObject());
    print(
        result,
        out -> {
          if (Fields.text(result, "id").isEmpty()) {
            out.println(
                "No recovery key yet. Make one: mapfs appliance recovery-key create --file FILE");
          } else {
            Fields.line(out, "Recovery key", Fields.text(result, "id"));
            Fields.line(out, "Since", Fields.time(result, "createdMillis"));
          }
        });
    return 0;
  }
}
