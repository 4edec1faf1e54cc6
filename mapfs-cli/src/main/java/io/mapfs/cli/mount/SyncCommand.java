package io.mapfs.cli.mount;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.OutputOptions;
import io.mapfs.core.wire.ApplianceException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code mapfs sync}. */
@Command(
    name = "sync",
    header = "Make everything that was written to a mount durable at the appliance.",
    description = {
      "Returns once the appliance has everything that programs wrote before, what the kernel still",
      "held included. sync(1) cannot promise that: it reaches no FUSE filesystem."
    },
    footer = {"", "Examples:", "  mapfs sync /mnt/web01", "  cd /mnt/web01/srv && mapfs sync"})
public final class SyncCommand implements Callable<Integer> {
  @Parameters(
      arity = "0..1",
      paramLabel = "DIR",
      defaultValue = ".",
      description = "Any directory of the mount (default: the current one).")
  private Path directory;

  @Mixin private OutputOptions output;

  @Override
  public Integer call() throws CommandFailure, ApplianceException, IOException {
    JsonObject result = MountedNode.around(directory).ask("sync", new JsonObject());
    output.print(
        result,
        out ->
            out.printf(
                "The appliance has everything of %s up to record %s.%n",
                Fields.text(result, "node"), Fields.text(result, "sequence")));
    return 0;
  }
}
