package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs node erase-key}. */
@Command(
    name = "erase-key",
    header = "Erase the key of an encrypted overlay: nobody can read what it holds after that.",
    description = {
      "Snapshots and late tails of the node become unreadable, too. A mount ends at once. What the",
      "machine itself keeps (its cache, changes that it has not handed over) is not reached."
    },
    footer = {"", "Example:", "  mapfs node erase-key web01 --force"})
final class EraseKeyCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Option(
      names = {"-f", "--force"},
      description = "Do it; without this it is refused.")
  private boolean force;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call(
            "key.erase", new CallParameters().with("node", node).with("force", force).json());
    print(
        result,
        out ->
            out.printf(
                "Erased the key of %s. Next: mapfs node remove %s, or keep its record.%n",
                node, node));
    return 0;
  }
}
