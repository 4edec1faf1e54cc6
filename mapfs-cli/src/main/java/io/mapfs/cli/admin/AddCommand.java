package io.mapfs.cli.admin;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.NewCredential;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs admin add}. */
@Command(
    name = "add",
    header = "Add an administrator: makes a credential for it.",
    description = "The key is made on this machine; hand the file over on a way that you trust.",
    footer = {
      "",
      "Example:",
      "  mapfs admin add alice --file alice.pem",
      "Next, as alice: export MAPFS_CREDENTIAL=alice.pem"
    })
final class AddCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NAME", description = "The administrator's name.")
  private String name;

  @Option(
      names = "--file",
      required = true,
      paramLabel = "FILE",
      description = "Where the credential goes: a new file, of mode 0600.")
  private Path file;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException, CommandFailure, IOException {
    NewCredential credential = NewCredential.at(file);
    JsonObject answer =
        client.call(
            "admin.add",
            new CallParameters()
                .with("name", name)
                .with("request", credential.request(name))
                .json());
    credential.save(answer);
    JsonObject result = new JsonObject();
    result.addProperty("name", name);
    result.addProperty("id", Fields.text(answer, "id"));
    result.addProperty("credential", file.toAbsolutePath().toString());
    print(result, out -> out.printf("Added administrator %s; the credential: %s%n", name, file));
    return 0;
  }
}
