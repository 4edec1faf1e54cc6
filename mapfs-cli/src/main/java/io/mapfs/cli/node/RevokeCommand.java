package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs node revoke}. */
@Command(
    name = "revoke",
    header = "Revoke a node's credentials and tokens; its connections end at once.",
    description = {
      "For a machine that was lost or given away. The node's overlay stays; another machine can",
      "join as the node with a new token. What the old one has mounted goes on from its cache until",
      "it needs the appliance."
    },
    footer = {"", "Example:", "  mapfs node revoke web01"})
final class RevokeCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result = client.call("node.revoke", new CallParameters().with("node", node).json());
    print(
        result,
        out -> out.printf("Revoked %s credentials of %s.%n", Fields.text(result, "revoked"), node));
    return 0;
  }
}
