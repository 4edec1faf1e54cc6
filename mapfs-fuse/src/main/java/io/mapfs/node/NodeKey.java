package io.mapfs.node;

import com.google.gson.JsonObject;
import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ClientSecurity;
import io.mapfs.client.KeyParameters;
import io.mapfs.core.seal.KeyWrap;
import io.mapfs.core.seal.OverlayKey;
import io.mapfs.core.seal.RecoveryKey;
import io.mapfs.core.security.Credential;
import io.mapfs.core.security.Keys;
import io.mapfs.core.security.Pem;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Priority;
import java.io.IOException;
import java.security.PublicKey;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The key of this node's overlay, if that is encrypted: made at the first mount, wrapped at the
 * appliance for this machine's credential, and brought to the appliance on every connection.
 */
final class NodeKey {
  /** That of an overlay that is not encrypted. */
  static final NodeKey NONE = new NodeKey(null, null);

  private static final Logger log = LoggerFactory.getLogger(NodeKey.class);

  private final String node;
  private final OverlayKey key;

  private NodeKey(String node, OverlayKey key) {
    this.node = node;
    this.key = key;
  }

  /**
   * The overlay's key, from the appliance or made now; it is at the appliance on return.
   *
   * @throws ApplianceException also DENIED if this machine has no right to it
   */
  static NodeKey of(ApplianceClient client, NodeConfig config) throws ApplianceException {
    JsonObject state = state(client, config.node());
    if (!state.get("encrypted").getAsBoolean()) {
      return NONE;
    }
    if (!(config.security() instanceof ClientSecurity.Certified certified)) {
      throw new ApplianceException(
          FailureCode.DENIED,
          "the overlay of "
              + config.node()
              + " is encrypted: it is mounted over TLS alone, with the node's credential");
    }
    KeyWrap wrap =
        new KeyWrap(client.welcome().clusterId(), config.node(), state.get("overlay").getAsLong());
    try {
      OverlayKey key =
          state.has("wrapped")
              ? unwrapped(wrap, state, certified.credential())
              : made(client, wrap, state, certified.credential());
      NodeKey brought = new NodeKey(config.node(), key);
      ApplianceClient.await(brought.bring(client));
      return brought;
    } catch (IOException | IllegalArgumentException e) {
      throw new ApplianceException(FailureCode.CORRUPT, e.getMessage(), e);
    }
  }

  private static JsonObject state(ApplianceClient client, String node) throws ApplianceException {
    try {
      return client.call("key.get", KeyParameters.of(node));
    } catch (ApplianceException e) {
      if (e.code() != FailureCode.INVALID) {
        throw e;
      }
      // An appliance of an older release, which encrypts nothing.
      JsonObject plain = new JsonObject();
      plain.addProperty("encrypted", false);
      return plain;
    }
  }

  private static OverlayKey unwrapped(KeyWrap wrap, JsonObject state, Credential credential)
      throws IOException {
    return wrap.unwrap(
        Base64.getDecoder().decode(state.get("wrapped").getAsString()),
        credential.key(),
        credential.certificate().getPublicKey());
  }

  private static OverlayKey made(
      ApplianceClient client, KeyWrap wrap, JsonObject state, Credential credential)
      throws ApplianceException, IOException {
    PublicKey recovery =
        Keys.open(Pem.decodeOne(Pem.PUBLIC_KEY, state.get("recoveryKey").getAsString()));
    OverlayKey key = OverlayKey.generate();
    client.call(
        "key.put",
        KeyParameters.put(
            wrap,
            key,
            Map.of(state.get("credential").getAsString(), credential.certificate().getPublicKey()),
            recovery));
    log.info(
        "made the overlay's key, for this machine and recovery key {}", RecoveryKey.id(recovery));
    return key;
  }

  /** Brings the key to the appliance, on the connection that there is; done at once for none. */
  CompletableFuture<?> bring(ApplianceClient client) {
    if (key == null) {
      return CompletableFuture.completedFuture(null);
    }
    return client.request(
        new Message.Call("key.unlock", KeyParameters.unlock(node, key)),
        Message.CallResult.class,
        Priority.JOURNAL);
  }
}
