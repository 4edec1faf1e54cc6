package io.mapfs.cli.repo;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.ProgressLine;
import io.mapfs.cli.base.Table;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.text.Sizes;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs repo verify}. */
@Command(
    name = "verify",
    header = "Read stored blocks and trees and check every checksum.",
    description = "Ends with exit code 6 if anything is damaged, and says where.",
    footer = {"", "Examples:", "  mapfs repo verify", "  mapfs repo verify debian 2"})
final class VerifyCommand extends ApplianceCommand {
  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "MASTER",
      description = "The master's name (default: all of the store).")
  private String master;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "VERSION",
      description = "A version's number or a channel's name (default: all).")
  private String version;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result;
    try (ProgressLine line = ProgressLine.ofEnvironment()) {
      result =
          client.call(
              "version.verify",
              new CallParameters()
                  .with("master", master)
                  .with("version", version)
                  .with("all", master == null)
                  .json(),
              line::show);
    }
    List<JsonObject> faults = Fields.objects(result, "faults");
    print(
        result,
        out -> {
          out.printf(
              "Checked %d blocks, %s.%n",
              Fields.number(result, "checkedBlocks"),
              Sizes.format(Fields.number(result, "checkedBytes")));
          Table table = new Table("WHERE", "FAULT");
          for (JsonObject fault : faults) {
            table.row(Fields.text(fault, "where"), Fields.text(fault, "what"));
          }
          table.print(out, "No faults.");
        });
    return faults.isEmpty() ? 0 : FailureCode.CORRUPT.exitCode();
  }
}
