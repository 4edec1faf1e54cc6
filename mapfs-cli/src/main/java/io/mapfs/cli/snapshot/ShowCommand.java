package io.mapfs.cli.snapshot;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs snapshot show}. */
@Command(
    name = "show",
    header = "Show one snapshot.",
    footer = {
      "",
      "Examples:",
      "  mapfs snapshot show web01 before",
      "  mapfs snapshot show web01 before --manifest | less"
    })
final class ShowCommand extends ApplianceCommand {
  @Parameters(index = "0", paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Parameters(index = "1", paramLabel = "SNAPSHOT", description = "The snapshot's name or id.")
  private String snapshot;

  @Option(names = "--manifest", description = "Print its delta manifest, the text itself.")
  private boolean manifest;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call(
            "snapshot.show",
            new CallParameters()
                .with("node", node)
                .with("snapshot", snapshot)
                .with("manifest", manifest)
                .json());
    print(
        result,
        out -> {
          if (manifest) {
            out.print(Fields.text(result, "manifest"));
          } else {
            show(out, result);
          }
        });
    return 0;
  }

  private static void show(PrintWriter out, JsonObject result) {
    Fields.line(out, "Snapshot", SnapshotView.title(result));
    Fields.line(out, "Node", Fields.text(result, "node"));
    Fields.line(out, "Created", Fields.time(result, "createdMillis"));
    Fields.line(out, "Comment", Fields.text(result, "comment"));
    Fields.line(out, "Master", Fields.text(result, "master"));
    Fields.line(out, "Version", Fields.text(result, "version"));
    Fields.line(
        out,
        "Position",
        "epoch " + Fields.text(result, "epoch") + ", record " + Fields.text(result, "sequence"));
    Fields.line(out, "Changed", Fields.text(result, "entries"));
    Fields.line(out, "Own data", Fields.size(result, "ownBytes"));
    Fields.line(out, "Manifest", Fields.size(result, "manifestBytes"));
  }
}
