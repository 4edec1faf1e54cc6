package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs node show}. */
@Command(
    name = "show",
    header = "Show one node.",
    footer = {"", "Example:", "  mapfs node show web01"})
final class ShowCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result = client.call("node.show", new CallParameters().with("node", node).json());
    print(result, out -> NodeView.print(out, result));
    return 0;
  }
}
