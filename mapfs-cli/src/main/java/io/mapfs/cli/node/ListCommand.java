package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;

/** {@code mapfs node list}. */
@Command(
    name = "list",
    header = "List nodes.",
    footer = {"", "Example:", "  mapfs node list --output json"})
final class ListCommand extends ApplianceCommand {
  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result = client.call("node.list", new JsonObject());
    print(result, out -> NodeView.printAll(out, Fields.objects(result, "nodes")));
    return 0;
  }
}
