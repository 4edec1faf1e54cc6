package io.mapfs.cli.appliance;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.OutputOptions;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.server.store.ApplianceStore;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code mapfs appliance init}. */
@Command(
    name = "init",
    header = "Make an empty store.",
    footer = {
      "",
      "Example:",
      "  mapfs appliance init --store /srv/mapfs",
      "Next: mapfs appliance serve --store /srv/mapfs --listen 127.0.0.1:7400 --insecure"
    })
final class InitCommand implements Callable<Integer> {
  @Option(
      names = {"-s", "--store"},
      required = true,
      paramLabel = "DIR",
      description = "A directory that does not exist yet, or is empty.")
  private Path store;

  @Mixin private OutputOptions output;

  @Override
  public Integer call() throws ApplianceException {
    JsonObject result = new JsonObject();
    result.addProperty("clusterId", ApplianceStore.init(store.toAbsolutePath()));
    result.addProperty("store", store.toAbsolutePath().toString());
    output.print(
        result,
        out ->
            out.printf(
                "Made a store in %s. Next: mapfs appliance serve --store %s --insecure%n",
                store, store));
    return 0;
  }
}
