package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs node remove}. */
@Command(
    name = "remove",
    header = "Remove a node with its overlay and its snapshots.",
    footer = {"", "Example:", "  mapfs node remove web01"})
final class RemoveCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Option(
      names = {"-f", "--force"},
      description = "Even if it is mounted or has snapshots.")
  private boolean force;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call(
            "node.remove", new CallParameters().with("node", node).with("force", force).json());
    print(result, out -> out.printf("Removed node %s.%n", node));
    return 0;
  }
}
