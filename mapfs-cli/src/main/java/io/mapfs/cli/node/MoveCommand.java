package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs node move}. */
@Command(
    name = "move",
    header = "Free a node from its machine, so that another can mount it.",
    description = {
      "The machine that has it mounted, if any, hands over its changes and loses the lease. Refused",
      "if it does not hand them over; 'node fence' does without."
    },
    footer = {"", "Example:", "  mapfs node move web01", "Next, elsewhere: mapfs mount web01 DIR"})
final class MoveCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call(
            "node.fence", new CallParameters().with("node", node).with("handOver", true).json());
    print(
        result,
        out ->
            out.printf(
                "%s is free at record %s%s. Next, on its new machine: mapfs mount %s DIRECTORY%n",
                node,
                Fields.text(result, "sequence"),
                Fields.text(result, "host").isEmpty()
                    ? ""
                    : ", handed over by " + Fields.text(result, "host"),
                node));
    return 0;
  }
}
