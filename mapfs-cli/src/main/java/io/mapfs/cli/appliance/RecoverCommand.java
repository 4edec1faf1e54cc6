package io.mapfs.cli.appliance;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.NewFile;
import io.mapfs.cli.base.OutputOptions;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.server.control.AdministratorRecovery;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code mapfs appliance recover}. */
@Command(
    name = "recover",
    header = "Make an administrator with the store at hand, while no appliance runs on it.",
    description = {
      "For a store whose administrators are all revoked or gone. If its control records were lost,",
      "restore the control directory from a copy first: what they named cannot be used without."
    },
    footer = {
      "",
      "Example:",
      "  mapfs appliance recover --store /srv/mapfs --name alice --file alice.pem"
    })
final class RecoverCommand implements Callable<Integer> {
  @Option(
      names = {"-s", "--store"},
      required = true,
      paramLabel = "DIR",
      description = "The store.")
  private Path store;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      defaultValue = "admin",
      description = "The administrator's name (default: ${DEFAULT-VALUE}).")
  private String name;

  @Option(
      names = "--file",
      required = true,
      paramLabel = "FILE",
      description = "Where the credential goes: a new file, of mode 0600.")
  private Path file;

  @Mixin private OutputOptions output;

  @Override
  public Integer call() throws ApplianceException, CommandFailure, IOException {
    Path credential = NewFile.at(file);
    AdministratorRecovery.run(store.toAbsolutePath(), Clock.systemUTC(), name, credential);
    JsonObject result = new JsonObject();
    result.addProperty("name", name);
    result.addProperty("credential", credential.toString());
    output.print(
        result, out -> out.printf("Made administrator %s; the credential: %s%n", name, file));
    return 0;
  }
}
