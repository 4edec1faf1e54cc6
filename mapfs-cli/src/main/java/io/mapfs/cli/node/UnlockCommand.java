package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs node unlock}. */
@Command(
    name = "unlock",
    header = "Let the appliance work off what an encrypted overlay's last mount left.",
    description = {
      "What a node handed over waits encrypted if the appliance was restarted before it was worked",
      "off; snapshots and rollbacks wait for it. The next mount works it off by itself; this command",
      "does it without the machine. The key is at the appliance no longer than the command runs."
    },
    footer = {"", "Example:", "  mapfs node unlock web01 --recovery-key recovery.pem"})
final class UnlockCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Option(
      names = "--recovery-key",
      required = true,
      paramLabel = "FILE",
      description = "What 'mapfs appliance recovery-key create' made.")
  private Path recoveryKey;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException, CommandFailure {
    RecoveredKey.of(client, node, recoveryKey).bring(client);
    JsonObject result = client.call("node.show", new CallParameters().with("node", node).json());
    print(
        result,
        out ->
            out.printf(
                "Worked off the journal of %s up to record %s.%n",
                node, Fields.text(result, "sequence")));
    return 0;
  }
}
