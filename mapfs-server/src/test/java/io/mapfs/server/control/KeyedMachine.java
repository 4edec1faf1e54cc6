package io.mapfs.server.control;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.mapfs.core.seal.KeyWrap;
import io.mapfs.core.seal.OverlayKey;
import io.mapfs.core.seal.RecoveryKey;
import io.mapfs.core.security.CertificateRequest;
import io.mapfs.core.security.Certificates;
import io.mapfs.core.security.JoinToken;
import io.mapfs.core.security.Keys;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.server.FakeSession;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.util.Base64;

/** A machine with a credential of a node whose overlay is encrypted. */
final class KeyedMachine {
  final String node;
  final KeyPair pair = Keys.generate();
  final X509Certificate certificate;
  private final ApplianceRig rig;

  /** Joins as the node. */
  KeyedMachine(ApplianceRig rig, String node) throws Exception {
    this.rig = rig;
    this.node = node;
    JoinToken token =
        JoinToken.parse(rig.admin("token.create", "node", node).get("token").getAsString());
    FakeSession guest = rig.sessionOverTls(node, null);
    JsonObject joined =
        rig.call(
            guest,
            "node.join",
            "node",
            node,
            "tokenId",
            token.id(),
            "secret",
            token.secret(),
            "request",
            CertificateRequest.make(pair, node));
    rig.disconnect(guest);
    this.certificate = Certificates.parse(joined.get("certificate").getAsString());
  }

  FakeSession connect() throws ApplianceException {
    return rig.sessionOverTls(node, certificate);
  }

  JsonObject state(FakeSession session) throws ApplianceException {
    return rig.call(session, "key.get", "node", node);
  }

  private KeyWrap wrap(JsonObject state) {
    return new KeyWrap(rig.appliance.clusterId(), node, state.get("overlay").getAsLong());
  }

  /** Makes the overlay's key. */
  OverlayKey makeKey(FakeSession session, RecoveryKey recovery) throws ApplianceException {
    JsonObject state = state(session);
    OverlayKey key = OverlayKey.generate();
    JsonArray wraps = new JsonArray();
    wraps.add(
        wrapped(
            "node",
            state.get("credential").getAsString(),
            wrap(state).wrap(key, pair.getPublic())));
    wraps.add(wrapped("recovery", recovery.id(), wrap(state).wrap(key, recovery.publicKey())));
    put(session, key, wraps);
    return key;
  }

  void put(FakeSession session, OverlayKey key, JsonArray wraps) throws ApplianceException {
    rig.call(session, "key.put", "node", node, "check", base64(key.check()), "wraps", wraps);
  }

  static JsonObject wrapped(String holder, String id, byte[] bytes) {
    JsonObject wrapped = new JsonObject();
    wrapped.addProperty("holder", holder);
    wrapped.addProperty("id", id);
    wrapped.addProperty("wrapped", base64(bytes));
    return wrapped;
  }

  static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }

  /** The key as it is wrapped for this machine. */
  OverlayKey key(FakeSession session) throws Exception {
    JsonObject state = state(session);
    return wrap(state)
        .unwrap(
            Base64.getDecoder().decode(state.get("wrapped").getAsString()),
            pair.getPrivate(),
            pair.getPublic());
  }

  void unlock(FakeSession session, OverlayKey key) throws ApplianceException {
    rig.call(session, "key.unlock", "node", node, "secret", base64(key.secret()));
  }

  /** Mounts, with the key that it gets. */
  NodeWriter mount() throws Exception {
    FakeSession session = connect();
    unlock(session, key(session));
    return new NodeWriter(rig, session, rig.open(session, node, false));
  }
}
