package io.mapfs.cli.appliance;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.NewFile;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.seal.RecoveryKey;
import io.mapfs.core.security.Pem;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code mapfs appliance recovery-key create}. */
@Command(
    name = "create",
    header = "Make the recovery key; the appliance gets its public half alone.",
    description = {
      "Whoever has the file can read every encrypted overlay of which he has the disks: keep it off",
      "line, and a copy of it. Without it a lost machine takes its encrypted overlay with it."
    },
    footer = {"", "Example:", "  mapfs appliance recovery-key create --file recovery.pem"})
final class CreateRecoveryKeyCommand extends ApplianceCommand {
  @Option(
      names = "--file",
      required = true,
      paramLabel = "FILE",
      description = "Where it goes, of mode 0600; there must not be one.")
  private Path file;

  @Option(
      names = "--replace",
      description =
          "Take the place of another recovery key; keys that are wrapped for that one stay so"
              + " until 'node rewrap'.")
  private boolean replace;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException, CommandFailure, IOException {
    Path target = NewFile.at(file);
    RecoveryKey key = RecoveryKey.generate();
    // The file first: an appliance that knows a key that nobody has would be the worse.
    key.save(target);
    JsonObject result;
    try {
      result =
          client.call(
              "recovery.set",
              new CallParameters()
                  .with("publicKey", Pem.encode(Pem.PUBLIC_KEY, key.publicKey().getEncoded()))
                  .with("replace", replace)
                  .json());
    } catch (ApplianceException e) {
      if (e.code() == FailureCode.CONFLICT || e.code() == FailureCode.INVALID) {
        Files.delete(target);
      }
      throw e;
    }
    result.addProperty("file", target.toString());
    print(
        result,
        out ->
            out.printf(
                "Wrote recovery key %s to %s: keep it off line, and a copy of it.%n",
                key.id(), target));
    return 0;
  }
}
