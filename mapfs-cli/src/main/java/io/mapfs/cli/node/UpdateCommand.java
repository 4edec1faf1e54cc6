package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.QuotaConverter;
import io.mapfs.cli.base.Table;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs node update}. */
@Command(
    name = "update",
    header = "Move a node to another version of its master, or change its quota.",
    description = {
      "To another version it goes at its next mount. What the node never touched becomes the version's; what it changed, added or deleted",
      "stays. Every path that both sides changed is listed; the node's side stays.",
      "A quota holds at once for a node that is mounted and connected. Below what the node has, it",
      "stops what needs more room; what is there stays."
    },
    footer = {
      "",
      "Examples:",
      "  mapfs node update web01 --to latest --dry-run",
      "  mapfs node update web01 --to 1",
      "  mapfs node update web01 --quota 20GiB"
    })
final class UpdateCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Option(
      names = "--to",
      paramLabel = "VERSION",
      description = "A version's number or a channel's name.")
  private String to;

  @Option(
      names = {"-n", "--dry-run"},
      description = "Only list what both sides changed.")
  private boolean dryRun;

  @Option(
      names = "--quota",
      paramLabel = "SIZE",
      converter = QuotaConverter.class,
      description = "Most bytes of the node's own data, such as 20GiB, or unlimited.")
  private Long quotaBytes;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException, CommandFailure {
    if (to == null && (dryRun || quotaBytes == null)) {
      throw new CommandFailure(
          FailureCode.INVALID, dryRun ? "a dry run needs --to" : "give --to, --quota or both");
    }
    if (dryRun && quotaBytes != null) {
      throw new CommandFailure(FailureCode.INVALID, "there is no dry run of --quota");
    }
    JsonObject result =
        client.call(
            "node.update",
            new CallParameters()
                .with("node", node)
                .with("to", to)
                .with("dryRun", dryRun)
                .with("quotaBytes", quotaBytes)
                .json());
    print(
        result,
        out -> {
          if (to != null) {
            showVersion(out, result);
          }
          if (quotaBytes != null) {
            showQuota(out, result);
          }
        });
    return 0;
  }

  private void showQuota(PrintWriter out, JsonObject result) {
    out.printf(
        "Quota of %s: %s, before %s; %s used.%n",
        node,
        NodeView.limit(result, "quotaBytes", "unlimited"),
        NodeView.limit(result, "formerQuotaBytes", "unlimited"),
        Fields.size(result, "usedBytes"));
    if (Fields.flag(result, "told")) {
      out.println("In force: its machine knows.");
    } else if (Fields.flag(result, "mounted")) {
      out.println("Its machine did not answer: in force once it is connected or mounts again.");
    } else {
      out.println("In force at its next mount, or once its machine is connected again.");
    }
  }

  private void showVersion(PrintWriter out, JsonObject result) {
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
