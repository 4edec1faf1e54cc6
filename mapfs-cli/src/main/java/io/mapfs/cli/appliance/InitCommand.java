package io.mapfs.cli.appliance;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.OutputOptions;
import io.mapfs.cli.base.Release;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.server.control.Appliance;
import io.mapfs.server.store.ApplianceStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code mapfs appliance init}. */
@Command(
    name = "init",
    header = "Make an empty store.",
    description = "Leaves a credential for its first administrator in keys/admin.pem.",
    footer = {
      "",
      "Example:",
      "  mapfs appliance init --store /srv/mapfs",
      "Next: mapfs appliance serve --store /srv/mapfs --listen 10.1.2.3:7400"
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
  public Integer call() throws ApplianceException, IOException {
    Path root = store.toAbsolutePath();
    JsonObject result = new JsonObject();
    result.addProperty("clusterId", Appliance.init(root, Clock.systemUTC(), Release.name()));
    result.addProperty("store", root.toString());
    Path credential = ApplianceStore.adminCredential(root);
    result.addProperty("credential", credential.toString());
    output.print(
        result,
        out -> {
          out.printf("Made a store in %s. Next: mapfs appliance serve --store %s%n", store, store);
          out.printf("Its administrator: export MAPFS_CREDENTIAL=%s%n", credential);
        });
    return 0;
  }
}
