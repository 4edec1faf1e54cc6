package io.mapfs.cli.repo;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs repo show}. */
@Command(
    name = "show",
    header = "Show one version of a master.",
    footer = {"", "Examples:", "  mapfs repo show debian", "  mapfs repo show debian 2"})
final class ShowCommand extends ApplianceCommand {
  @Parameters(index = "0", paramLabel = "MASTER", description = "The master's name.")
  private String master;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "VERSION",
      defaultValue = "latest",
      description = "A version's number or a channel's name (default: ${DEFAULT-VALUE}).")
  private String version;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call(
            "version.show",
            new CallParameters().with("master", master).with("version", version).json());
    print(
        result,
        out -> {
          Fields.line(out, "Master", Fields.text(result, "master"));
          Fields.line(out, "Version", Fields.text(result, "version"));
          Fields.line(out, "Channels", String.join(", ", Fields.texts(result, "channels")));
          Fields.line(out, "Created", Fields.time(result, "createdMillis"));
          Fields.line(out, "Comment", Fields.text(result, "comment"));
          Fields.line(out, "Entries", Fields.text(result, "entries"));
          Fields.line(out, "Inodes", Fields.text(result, "inodes"));
          Fields.line(out, "Content", Fields.size(result, "contentBytes"));
          Fields.line(out, "New blocks", Fields.text(result, "newBlocks"));
          Fields.line(out, "New stored", Fields.size(result, "newStoredBytes"));
          Fields.line(out, "Tree", Fields.size(result, "treeBytes"));
          Fields.line(out, "Tree hash", Fields.text(result, "treeHash"));
        });
    return 0;
  }
}
