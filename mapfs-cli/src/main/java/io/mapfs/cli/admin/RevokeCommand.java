package io.mapfs.cli.admin;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs admin revoke}. */
@Command(
    name = "revoke",
    header = "Revoke an administrator's credential; its connections end at once.",
    description = {
      "When nobody is left, whoever has the store makes a new one: mapfs appliance recover."
    },
    footer = {"", "Example:", "  mapfs admin revoke alice"})
final class RevokeCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NAME", description = "The administrator's name.")
  private String name;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result = client.call("admin.revoke", new CallParameters().with("name", name).json());
    print(result, out -> out.printf("Revoked administrator %s.%n", name));
    return 0;
  }
}
