package io.mapfs.cli.tail;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs node tail drop}. */
@Command(
    name = "drop",
    header = "Drop a late tail for good.",
    footer = {"", "Example:", "  mapfs node tail drop web01 t1"})
final class DropCommand extends ApplianceCommand {
  @Parameters(index = "0", paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Parameters(index = "1", paramLabel = "TAIL", description = "The tail's id, such as t1.")
  private String tail;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call("tail.drop", new CallParameters().with("node", node).with("tail", tail).json());
    print(result, out -> out.printf("Dropped late tail %s of %s.%n", tail, node));
    return 0;
  }
}
