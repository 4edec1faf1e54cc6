package io.mapfs.cli.tail;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.Table;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs node tail list}. */
@Command(
    name = "list",
    header = "List a node's late tails.",
    footer = {"", "Example:", "  mapfs node tail list web01"})
final class ListCommand extends ApplianceCommand {
  @Parameters(index = "0", paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result = client.call("tail.list", new CallParameters().with("node", node).json());
    print(
        result,
        out -> {
          Table table = new Table("TAIL", ">EPOCH", "HOST", "RECORDS", ">SIZE", "RECEIVED");
          for (JsonObject tail : Fields.objects(result, "tails")) {
            table.row(
                Fields.text(tail, "id"),
                Fields.text(tail, "epoch"),
                Fields.text(tail, "host"),
                Fields.text(tail, "firstSequence") + "-" + Fields.text(tail, "lastSequence"),
                Fields.size(tail, "bytes"),
                Fields.time(tail, "receivedMillis"));
          }
          table.print(out, "No late tails.");
        });
    return 0;
  }
}
