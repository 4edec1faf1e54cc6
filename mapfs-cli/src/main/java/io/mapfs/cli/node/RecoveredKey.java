package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.Failures;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.client.KeyParameters;
import io.mapfs.core.seal.KeyWrap;
import io.mapfs.core.seal.OverlayKey;
import io.mapfs.core.seal.RecoveryKey;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Base64;

/**
 * The key of an encrypted overlay, had with the recovery key.
 *
 * @param wrap how it is wrapped for others
 * @param state what {@code key.get} says of it
 */
record RecoveredKey(OverlayKey key, KeyWrap wrap, JsonObject state) {

  /** Asks the appliance for the wrapped key and unwraps it here. */
  static RecoveredKey of(ApplianceClient client, String node, Path file)
      throws ApplianceException, CommandFailure {
    RecoveryKey recovery = load(file);
    JsonObject state = client.call("key.get", new CallParameters().with("node", node).json());
    String key = Fields.text(state, "key");
    if (!key.equals("present")) {
      throw new CommandFailure(
          FailureCode.INVALID,
          switch (key) {
            case "" -> "the overlay of " + node + " is not encrypted";
            case "erased" -> "the key of " + node + " was erased, and nobody can bring it back";
            default -> "the overlay of " + node + " has no key before its first mount";
          });
    }
    KeyWrap wrap = new KeyWrap(client.welcome().clusterId(), node, Fields.number(state, "overlay"));
    for (JsonObject each : Fields.objects(state, "wraps")) {
      if (Fields.text(each, "holder").equals("recovery")
          && Fields.text(each, "id").equals(recovery.id())) {
        byte[] wrapped = Base64.getDecoder().decode(Fields.text(each, "wrapped"));
        try {
          return new RecoveredKey(
              wrap.unwrap(wrapped, recovery.key(), recovery.publicKey()), wrap, state);
        } catch (IOException e) {
          throw new CommandFailure(FailureCode.CORRUPT, e.getMessage(), e);
        }
      }
    }
    throw new CommandFailure(
        FailureCode.DENIED,
        "the key of " + node + " is wrapped for another recovery key than the one in " + file);
  }

  private static RecoveryKey load(Path file) throws CommandFailure {
    try {
      return RecoveryKey.load(file);
    } catch (NoSuchFileException e) {
      throw new CommandFailure(
          FailureCode.NOT_FOUND, "there is no recovery key " + file + ": check the path", e);
    } catch (IOException e) {
      throw new CommandFailure(FailureCode.DENIED, Failures.line(e), e);
    }
  }

  /** Brings it to the appliance, for as long as the connection lasts. */
  void bring(ApplianceClient client) throws ApplianceException {
    client.call("key.unlock", KeyParameters.unlock(wrap.node(), key));
  }
}
