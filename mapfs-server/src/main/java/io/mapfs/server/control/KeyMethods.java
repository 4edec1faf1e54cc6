package io.mapfs.server.control;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.mapfs.core.seal.KeyWrap;
import io.mapfs.core.seal.OverlayKey;
import io.mapfs.core.security.Role;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.overlay.Overlay;
import io.mapfs.server.overlay.Overlays;
import io.mapfs.server.store.ControlRecords.CredentialRecord;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlRecords.RecoveryRecord;
import io.mapfs.server.store.KeyFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * Control methods on the keys of encrypted overlays. The appliance keeps them wrapped, makes none
 * and can unwrap none: nodes make them, and nodes and administrators bring them.
 */
final class KeyMethods {
  private static final int WRAPS_MAX = 256;

  private final Overlays overlays;
  private final OverlayKeys keys;
  private final RecoveryMethods recovery;
  private final Credentials credentials;
  private final Access access;

  KeyMethods(
      Overlays overlays,
      OverlayKeys keys,
      RecoveryMethods recovery,
      Credentials credentials,
      Access access) {
    this.overlays = overlays;
    this.keys = keys;
    this.recovery = recovery;
    this.credentials = credentials;
    this.access = access;
  }

  // ---- having it ----

  /** What the asker needs to make the overlay's key, or to have it. */
  JsonObject get(Client client, Parameters in) throws IOException, ApplianceException {
    NodeRecord node = access.node(in.text("node"));
    OverlayKeys.State state = keys.state(node);
    boolean encrypted = state != OverlayKeys.State.PLAIN;
    Json result = new Json().with("node", node.name()).with("encrypted", encrypted);
    if (encrypted) {
      result.with("overlay", node.overlayId()).with("key", state.text());
      if (client.isAdministrator()) {
        addForAdministrator(result, node, state);
      } else {
        addForMachine(result, node, state, client.caller().credentialId());
      }
    }
    return result.build();
  }

  private void addForMachine(
      Json result, NodeRecord node, OverlayKeys.State state, String credentialId)
      throws IOException, ApplianceException {
    keys.requireNotErased(node);
    if (credentialId == null) {
      throw new ApplianceException(
          FailureCode.DENIED,
          "the overlay of "
              + node.name()
              + " is encrypted: it is mounted over TLS alone, with the node's credential");
    }
    result.with("credential", credentialId);
    if (state == OverlayKeys.State.NONE) {
      result.with("recoveryKey", recovery.required().publicKey());
      return;
    }
    KeyFile.Wrap wrap = keys.file(node).find(KeyFile.NODE, credentialId);
    if (wrap == null) {
      throw new ApplianceException(
          FailureCode.DENIED,
          "the overlay of "
              + node.name()
              + " is encrypted, and its key is not wrapped for this machine's credential; an"
              + " administrator does it with: mapfs node rewrap "
              + node.name()
              + " --recovery-key FILE");
    }
    result.with("wrapped", wrap.wrapped());
  }

  private void addForAdministrator(Json result, NodeRecord node, OverlayKeys.State state)
      throws IOException {
    RecoveryRecord current = recovery.find();
    result.with("recoveryKey", current == null ? null : current.publicKey());
    JsonArray machines = new JsonArray();
    for (CredentialRecord machine : credentials.valid(Role.NODE, node.name())) {
      machines.add(
          new Json().with("id", machine.id()).with("publicKey", machine.publicKey()).build());
    }
    JsonArray wraps = new JsonArray();
    if (state == OverlayKeys.State.PRESENT) {
      for (KeyFile.Wrap wrap : keys.file(node).wraps()) {
        wraps.add(
            new Json()
                .with("holder", wrap.holder())
                .with("id", wrap.id())
                .with("wrapped", wrap.wrapped())
                .build());
      }
    }
    result.with("machines", machines).with("wraps", wraps);
  }

  // ---- keeping it ----

  /** A node made its overlay's key, or an administrator wrapped it for others. */
  JsonObject put(Client client, Parameters in) throws IOException, ApplianceException {
    NodeRecord node = access.node(in.text("node"));
    byte[] check = in.bytes("check", OverlayKey.BYTES);
    KeyFile file =
        KeyFile.of(node.overlayId(), Base64.getEncoder().encodeToString(check), wraps(node, in));
    if (client.isAdministrator()) {
      keys.replace(node, file);
    } else {
      keys.create(node, file);
    }
    return new Json().with("node", node.name()).with("wraps", file.wraps().size()).build();
  }

  private List<KeyFile.Wrap> wraps(NodeRecord node, Parameters in)
      throws IOException, ApplianceException {
    JsonElement given = in.json().get("wraps");
    List<KeyFile.Wrap> wraps = new ArrayList<>();
    boolean recoverable = false;
    if (given != null && given.isJsonArray() && given.getAsJsonArray().size() <= WRAPS_MAX) {
      for (JsonElement each : given.getAsJsonArray()) {
        if (!each.isJsonObject()) {
          throw new ApplianceException(FailureCode.INVALID, "a wrapped key is an object");
        }
        Parameters wrap = new Parameters(in.method(), each.getAsJsonObject());
        String holder = wrap.text("holder");
        String id = wrap.text("id");
        requireHolder(node, holder, id);
        recoverable |= holder.equals(KeyFile.RECOVERY);
        byte[] wrapped = wrap.bytes("wrapped", KeyWrap.BYTES);
        wraps.add(new KeyFile.Wrap(holder, id, Base64.getEncoder().encodeToString(wrapped)));
      }
    }
    if (!recoverable) {
      throw new ApplianceException(
          FailureCode.INVALID, "the key is to be wrapped for the recovery key, too");
    }
    return wraps;
  }

  private void requireHolder(NodeRecord node, String holder, String id)
      throws IOException, ApplianceException {
    boolean known =
        holder.equals(KeyFile.RECOVERY)
            ? recovery.required().id().equals(id)
            : holder.equals(KeyFile.NODE)
                && credentials.valid(Role.NODE, node.name()).stream()
                    .anyMatch(machine -> machine.id().equals(id));
    if (!known) {
      throw new ApplianceException(
          FailureCode.INVALID, "there is no holder " + holder + " " + id + " of " + node.name());
    }
  }

  // ---- bringing it ----

  /** The key itself, for as long as this connection lasts. */
  JsonObject unlock(Client client, Parameters in) throws IOException, ApplianceException {
    NodeRecord node = access.node(in.text("node"));
    Overlay overlay = overlays.get(node.name());
    OverlayKey key = keys.checked(node, in.bytes("secret", OverlayKey.BYTES));
    overlay.unlock(client.number(), key);
    if (!client.session().isOpen()) {
      // Its end may have been told before.
      overlay.disconnect(client.session(), client.number());
    }
    if (keys.state(node) != OverlayKeys.State.PRESENT) {
      // It was erased meanwhile.
      overlay.lock();
    }
    if (client.isAdministrator()) {
      // Whoever brings it by hand wants what waited for it.
      overlay.head().settle();
    }
    return new Json()
        .with("node", node.name())
        .with("unfoldedBytes", overlay.journal().lagBytes())
        .build();
  }

  // ---- ending it ----

  /** Deletes the wrapped key: nobody can read what the overlay holds after that. */
  JsonObject erase(Parameters in) throws IOException, ApplianceException {
    NodeRecord node = access.node(in.text("node"));
    if (keys.state(node) == OverlayKeys.State.PLAIN) {
      throw new ApplianceException(
          FailureCode.INVALID,
          "the overlay of " + node.name() + " is not encrypted: remove the node instead");
    }
    if (!in.flag("force", false)) {
      throw new ApplianceException(
          FailureCode.CONFLICT,
          "what the overlay of "
              + node.name()
              + " and its snapshots hold would be unreadable for ever: if that is wanted, use"
              + " --force");
    }
    keys.erase(node);
    return new Json().with("node", node.name()).build();
  }

  /** Credentials of the node were revoked: what was wrapped for them goes. */
  void forgetRevoked(String name) throws IOException, ApplianceException {
    NodeRecord node = access.node(name);
    keys.retain(
        node,
        credentials.valid(Role.NODE, node.name()).stream().map(CredentialRecord::id).toList());
  }
}
