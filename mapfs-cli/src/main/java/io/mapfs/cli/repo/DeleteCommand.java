package io.mapfs.cli.repo;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs repo delete}. */
@Command(
    name = "delete",
    header = "Delete a version that nothing stands on any more.",
    description = {
      "Refused for the newest version, and while a channel, a node or a snapshot needs it. Its space",
      "is given back by 'mapfs repo sweep'."
    },
    footer = {"", "Example:", "  mapfs repo delete debian 1", "Next: mapfs repo sweep"})
final class DeleteCommand extends ApplianceCommand {
  @Parameters(index = "0", paramLabel = "MASTER", description = "The master's name.")
  private String master;

  @Parameters(
      index = "1",
      paramLabel = "VERSION",
      description = "A version's number or a channel's name.")
  private String version;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call(
            "version.delete",
            new CallParameters().with("master", master).with("version", version).json());
    print(result, out -> out.printf("Deleted version %s of %s.%n", version, master));
    return 0;
  }
}
