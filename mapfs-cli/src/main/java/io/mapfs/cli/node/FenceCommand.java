package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs node fence}. */
@Command(
    name = "fence",
    header = "End a node's lease at once, whoever has it.",
    description = {
      "Nothing that the machine has not handed over is accepted any more: it becomes a late tail",
      "(mapfs node tail list). For a machine that is lost; 'node move' asks for its changes first."
    },
    footer = {"", "Example:", "  mapfs node fence web01"})
final class FenceCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result = client.call("node.fence", new CallParameters().with("node", node).json());
    print(
        result,
        out ->
            out.printf(
                "Fenced %s at epoch %s, record %s%s.%n",
                node,
                Fields.text(result, "epoch"),
                Fields.text(result, "sequence"),
                Fields.text(result, "host").isEmpty()
                    ? "; nobody had it mounted"
                    : "; it was mounted by " + Fields.text(result, "host")));
    return 0;
  }
}
