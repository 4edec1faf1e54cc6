package io.mapfs.cli.snapshot;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs snapshot delete}. */
@Command(
    name = "delete",
    header = "Delete a snapshot; the node itself stays as it is.",
    footer = {"", "Example:", "  mapfs snapshot delete web01 before"})
final class DeleteCommand extends ApplianceCommand {
  @Parameters(index = "0", paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Parameters(index = "1", paramLabel = "SNAPSHOT", description = "The snapshot's name or id.")
  private String snapshot;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call(
            "snapshot.delete",
            new CallParameters().with("node", node).with("snapshot", snapshot).json());
    print(result, out -> out.printf("Deleted snapshot %s of %s.%n", snapshot, node));
    return 0;
  }
}
