package io.mapfs.cli.snapshot;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs rollback}. */
@Command(
    name = "rollback",
    header = "Take a node back to a snapshot, at its next mount.",
    description = {
      "Refused while the node is mounted. What was there before is kept as a snapshot itself,",
      "so that a rollback can be undone."
    },
    footer = {
      "",
      "Example:",
      "  mapfs umount /mnt/web01",
      "  mapfs rollback web01 before",
      "  mapfs mount web01 /mnt/web01"
    })
public final class RollbackCommand extends ApplianceCommand {
  @Parameters(index = "0", paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Parameters(index = "1", paramLabel = "SNAPSHOT", description = "The snapshot's name or id.")
  private String snapshot;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call(
            "rollback", new CallParameters().with("node", node).with("snapshot", snapshot).json());
    print(
        result,
        out ->
            out.printf(
                "%s is back at %s (%s rows changed). Before that it was as in snapshot %s.%n",
                node,
                snapshot,
                Fields.text(result, "changedRows"),
                Fields.text(result, "savedAs")));
    return 0;
  }
}
