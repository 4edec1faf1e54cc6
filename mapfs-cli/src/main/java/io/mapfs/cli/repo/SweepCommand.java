package io.mapfs.cli.repo;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.ProgressLine;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;

/** {@code mapfs repo sweep}. */
@Command(
    name = "sweep",
    header = "Remove blocks that no version, node or snapshot needs any more.",
    description = {
      "Everything goes on meanwhile, but an import that runs has to end first. Packs of which less",
      "than a quarter is dead are left alone."
    },
    footer = {"", "Example:", "  mapfs repo sweep"})
final class SweepCommand extends ApplianceCommand {
  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result;
    try (ProgressLine line = ProgressLine.ofEnvironment()) {
      result = client.call("store.sweep", new JsonObject(), line::show);
    }
    print(
        result,
        out ->
            out.printf(
                "Removed %s packs; %s freed.%n",
                Fields.text(result, "packs"), Fields.size(result, "freedBytes")));
    return 0;
  }
}
