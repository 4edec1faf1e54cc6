package io.mapfs.cli.snapshot;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs snapshot create}. */
@Command(
    name = "create",
    header = "Take a snapshot.",
    description =
        "A mounted node hands over its changes first, data in the kernel's cache included.",
    footer = {"", "Example:", "  mapfs snapshot create web01 --name before"})
final class CreateCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Option(names = "--name", paramLabel = "NAME", description = "A name (default: its id).")
  private String name;

  @Option(names = "--comment", paramLabel = "TEXT", description = "A remark.")
  private String comment;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call(
            "snapshot.create",
            new CallParameters()
                .with("node", node)
                .with("name", name)
                .with("comment", comment)
                .json());
    print(
        result,
        out ->
            out.printf(
                "Snapshot %s of %s: %s entries changed, %s of own data.%n",
                SnapshotView.title(result),
                Fields.text(result, "node"),
                Fields.text(result, "entries"),
                Fields.size(result, "ownBytes")));
    return 0;
  }
}
