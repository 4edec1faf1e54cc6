package io.mapfs.cli.tail;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.ChangeLines;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs node tail show}. */
@Command(
    name = "show",
    header = "Show what a late tail would have changed.",
    description = "Paths are those of the tail itself, else what the node's files are called now.",
    footer = {"", "Example:", "  mapfs node tail show web01 t1"})
final class ShowCommand extends ApplianceCommand {
  @Parameters(index = "0", paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Parameters(index = "1", paramLabel = "TAIL", description = "The tail's id, such as t1.")
  private String tail;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result =
        client.call("tail.show", new CallParameters().with("node", node).with("tail", tail).json());
    print(
        result,
        out -> {
          Fields.line(out, "Tail", Fields.text(result, "id"));
          Fields.line(out, "Epoch", Fields.text(result, "epoch"));
          Fields.line(out, "Host", Fields.text(result, "host"));
          Fields.line(
              out,
              "Records",
              Fields.text(result, "firstSequence") + "-" + Fields.text(result, "lastSequence"));
          Fields.line(out, "Size", Fields.size(result, "bytes"));
          Fields.line(out, "Received", Fields.time(result, "receivedMillis"));
          out.println();
          ChangeLines.print(out, Fields.objects(result, "changes"));
        });
    return 0;
  }
}
