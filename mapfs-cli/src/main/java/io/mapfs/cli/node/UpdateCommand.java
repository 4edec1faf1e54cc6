package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.Table;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs node update}. */
@Command(
    name = "update",
    header = "Move a node to another version of its master, at its next mount.",
    description = {
      "What the node never touched becomes the version's; what it changed, added or deleted",
      "stays. Every path that both sides changed is listed; the node's side stays."
    },
    footer = {
      "",
      "Examples:",
      "  mapfs node update web01 --to latest --dry-run",
      "  mapfs node update web01 --to 1"
    })
final class UpdateCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Option(
      names = "--to",
      required = true,
      paramLabel = "VERSION",
      description = "A version's number or a channel's name.")
  private String to;

  @Option(
      names = {"-n", "--dry-run"},
      description = "Only list what both sides changed.")
  private boolean dryRun;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call(
            "node.update",
            new CallParameters().with("node", node).with("to", to).with("dryRun", dryRun).json());
    print(result, out -> show(out, result));
    return 0;
  }

  private void show(PrintWriter out, JsonObject result) {
    List<JsonObject> conflicts = Fields.objects(result, "conflicts");
    Table table = new Table("PATH", "KIND", "REPOSITORY", "NODE");
    for (JsonObject conflict : conflicts) {
      table.row(
          Fields.text(conflict, "path"),
          Fields.text(conflict, "kind"),
          Fields.text(conflict, "repository"),
          Fields.text(conflict, "overlay"));
    }
    table.print(out, "Nothing was changed on both sides.");
    String step = Fields.text(result, "from") + " to " + Fields.text(result, "to");
    if (dryRun) {
      out.printf("Dry run: %s would go from version %s.%n", node, step);
    } else {
      out.printf("%s goes from version %s at its next mount.%n", node, step);
    }
  }
}
