package io.mapfs.cli.snapshot;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.ChangeLines;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs snapshot diff}. */
@Command(
    name = "diff",
    header = "List what differs between two snapshots, or a snapshot and 'live'.",
    description =
        "Lines begin with + (added), - (removed), M (changed, and what of it) or R (renamed).",
    footer = {
      "",
      "Examples:",
      "  mapfs snapshot diff web01 before live",
      "  mapfs snapshot diff web01 s1 s2 --output json"
    })
final class DiffCommand extends ApplianceCommand {
  @Parameters(index = "0", paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Parameters(index = "1", paramLabel = "FROM", description = "A snapshot's name or id, or 'live'.")
  private String from;

  @Parameters(
      index = "2",
      arity = "0..1",
      paramLabel = "TO",
      defaultValue = "live",
      description = "A snapshot's name or id, or 'live' (default: ${DEFAULT-VALUE}).")
  private String to;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call(
            "snapshot.diff",
            new CallParameters().with("node", node).with("from", from).with("to", to).json());
    print(result, out -> show(out, Fields.objects(result, "changes")));
    return 0;
  }

  private static void show(PrintWriter out, List<JsonObject> changes) {
    if (changes.isEmpty()) {
      out.println("No difference.");
    }
    ChangeLines.print(out, changes);
  }
}
