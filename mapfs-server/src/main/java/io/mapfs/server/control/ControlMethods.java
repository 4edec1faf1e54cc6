package io.mapfs.server.control;

import com.google.gson.JsonObject;
import io.mapfs.core.text.NearestName;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.mirror.Mirror;
import io.mapfs.server.overlay.Overlays;
import io.mapfs.server.overlay.Tails;
import io.mapfs.server.store.ApplianceStore;
import java.io.IOException;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** The control methods by name. */
final class ControlMethods {
  private final Map<String, Method> methods = new TreeMap<>();
  private final Access access;
  private final Audited audited;

  /** Carries out one method. */
  interface Method {
    JsonObject call(Client client, Parameters parameters, Consumer<JsonObject> progress)
        throws IOException, ApplianceException;
  }

  ControlMethods(
      ApplianceStore store,
      Overlays overlays,
      Mirror mirror,
      Tails tails,
      Access access,
      Credentials credentials,
      Supplier<Collection<Client>> clients,
      String software) {
    this.access = access;
    this.audited = new Audited(store.audit());
    Unrecorded unrecorded = new Unrecorded(store.repository(), overlays);
    RepositoryMethods repository = new RepositoryMethods(store, access, unrecorded);
    CredentialMethods certificates = new CredentialMethods(store, credentials, access, clients);
    OverlayKeys overlayKeys = new OverlayKeys(store, overlays, tails);
    RecoveryMethods recovery = new RecoveryMethods(store.control());
    KeyMethods keys = new KeyMethods(overlays, overlayKeys, recovery, credentials, access);
    NodeMethods nodes =
        new NodeMethods(
            store,
            overlays,
            mirror,
            tails,
            access,
            overlayKeys,
            recovery,
            certificates::revokeNode);
    SnapshotMethods snapshots = new SnapshotMethods(mirror, access);
    Reclaiming reclaiming = new Reclaiming(store, overlays, tails, unrecorded);
    TailMethods lateTails = new TailMethods(tails, mirror, access);
    StatusMethods status =
        new StatusMethods(store, nodes, repository, unrecorded, clients, software);
    methods.put("appliance.status", (client, in, out) -> status.appliance());
    methods.put("status", (client, in, out) -> status.all());
    methods.put("master.list", (client, in, out) -> repository.masters());
    methods.put("master.versions", (client, in, out) -> repository.versions(client, in));
    methods.put("version.show", (client, in, out) -> repository.show(client, in));
    methods.put("version.verify", (client, in, out) -> repository.verify(in, out));
    BootMethods boots = new BootMethods(store, access);
    methods.put("boot.get", (client, in, out) -> boots.get(client, in));
    methods.put("boot.put", (client, in, out) -> boots.put(client, in));
    methods.put("import.begin", (client, in, out) -> repository.begin(client, in));
    methods.put("import.commit", (client, in, out) -> repository.commit(client, in));
    methods.put("import.abort", (client, in, out) -> repository.abort(client, in));
    methods.put("node.add", (client, in, out) -> nodes.add(client, in));
    methods.put("node.list", (client, in, out) -> nodes.list());
    methods.put("node.show", (client, in, out) -> nodes.show(in));
    methods.put("node.update", (client, in, out) -> nodes.update(in));
    methods.put("node.remove", (client, in, out) -> nodes.remove(in));
    methods.put("node.join", (client, in, out) -> certificates.join(client, in));
    methods.put(
        "node.revoke",
        (client, in, out) -> {
          JsonObject revoked = certificates.revokeNode(in);
          keys.forgetRevoked(in.text("node"));
          return revoked;
        });
    methods.put("key.get", (client, in, out) -> keys.get(client, in));
    methods.put("key.put", (client, in, out) -> keys.put(client, in));
    methods.put("key.unlock", (client, in, out) -> keys.unlock(client, in));
    methods.put("key.erase", (client, in, out) -> keys.erase(in));
    methods.put("recovery.set", (client, in, out) -> recovery.set(in));
    methods.put("recovery.show", (client, in, out) -> recovery.show());
    methods.put("token.create", (client, in, out) -> certificates.createToken(client, in));
    methods.put("admin.add", (client, in, out) -> certificates.addAdministrator(client, in));
    methods.put("admin.list", (client, in, out) -> certificates.administrators());
    methods.put("admin.revoke", (client, in, out) -> certificates.revokeAdministrator(in));
    methods.put("audit.list", (client, in, out) -> audited.list(in));
    methods.put("version.delete", (client, in, out) -> reclaiming.deleteVersion(in));
    methods.put("store.sweep", (client, in, out) -> reclaiming.sweep(out));
    methods.put("unrecorded.remove", (client, in, out) -> removeUnrecorded(unrecorded, in));
    methods.put("node.fence", (client, in, out) -> nodes.fence(in));
    methods.put("tail.list", (client, in, out) -> lateTails.list(in));
    methods.put("tail.show", (client, in, out) -> lateTails.show(in));
    methods.put("tail.read", (client, in, out) -> lateTails.read(in));
    methods.put("tail.drop", (client, in, out) -> lateTails.drop(in));
    methods.put("snapshot.create", (client, in, out) -> snapshots.create(in));
    methods.put("snapshot.list", (client, in, out) -> snapshots.list(in));
    methods.put("snapshot.show", (client, in, out) -> snapshots.show(in));
    methods.put("snapshot.diff", (client, in, out) -> snapshots.diff(in));
    methods.put("snapshot.delete", (client, in, out) -> snapshots.delete(in));
    methods.put("rollback", (client, in, out) -> snapshots.rollBack(in));
  }

  private static JsonObject removeUnrecorded(Unrecorded unrecorded, Parameters in)
      throws IOException, ApplianceException {
    unrecorded.remove(in.text("file"));
    return new JsonObject();
  }

  JsonObject call(Client client, Parameters parameters, Consumer<JsonObject> progress)
      throws IOException, ApplianceException {
    Method method = methods.get(parameters.method());
    if (method == null) {
      throw new ApplianceException(
          FailureCode.INVALID,
          "this appliance has no method '"
              + parameters.method()
              + "'"
              + NearestName.hint(parameters.method(), methods.keySet()));
    }
    access.requireMethod(client, parameters.method(), parameters.text("node", null));
    return audited.run(client, parameters, () -> method.call(client, parameters, progress));
  }
}
