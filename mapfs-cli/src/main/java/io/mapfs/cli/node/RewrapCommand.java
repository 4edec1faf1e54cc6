package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.client.KeyParameters;
import io.mapfs.core.seal.RecoveryKey;
import io.mapfs.core.security.Keys;
import io.mapfs.core.security.Pem;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs node rewrap}. */
@Command(
    name = "rewrap",
    header = "Wrap an encrypted overlay's key for the machines that may be the node now.",
    description = {
      "After another machine has joined as the node ('node move', 'node join'): its credential gets",
      "the key. What was wrapped for credentials that were revoked goes; so does what was wrapped for",
      "an older recovery key, in favour of the one in force."
    },
    footer = {"", "Example:", "  mapfs node rewrap web01 --recovery-key recovery.pem"})
final class RewrapCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Option(
      names = "--recovery-key",
      required = true,
      paramLabel = "FILE",
      description = "The one that the key was last wrapped for.")
  private Path recoveryKey;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException, CommandFailure, IOException {
    RecoveredKey recovered = RecoveredKey.of(client, node, recoveryKey);
    PublicKey recovery = publicKey(Fields.text(recovered.state(), "recoveryKey"));
    Map<String, PublicKey> machines = new LinkedHashMap<>();
    for (JsonObject machine : Fields.objects(recovered.state(), "machines")) {
      // One that an older release issued is not known by its key: its machine joins anew.
      String publicKey = Fields.text(machine, "publicKey");
      if (!publicKey.isEmpty()) {
        machines.put(Fields.text(machine, "id"), publicKey(publicKey));
      }
    }
    if (machines.isEmpty()) {
      throw new CommandFailure(
          FailureCode.INVALID,
          "no machine may be " + node + " now: let one join first (mapfs node token create)");
    }
    client.call(
        "key.put", KeyParameters.put(recovered.wrap(), recovered.key(), machines, recovery));
    JsonObject result = new JsonObject();
    result.addProperty("node", node);
    result.addProperty("machines", machines.size());
    result.addProperty("recoveryKey", RecoveryKey.id(recovery));
    print(
        result,
        out ->
            out.printf(
                "Wrapped the key of %s for %s of its credentials, and recovery key %s.%n",
                node, Fields.text(result, "machines"), Fields.text(result, "recoveryKey")));
    return 0;
  }

  private static PublicKey publicKey(String pem) throws IOException {
    return Keys.open(Pem.decodeOne(Pem.PUBLIC_KEY, pem));
  }
}
