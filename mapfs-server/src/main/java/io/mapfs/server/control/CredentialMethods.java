package io.mapfs.server.control;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.mapfs.core.security.CertificateRequest;
import io.mapfs.core.security.Certificates;
import io.mapfs.core.security.JoinToken;
import io.mapfs.core.security.Role;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.CredentialRecord;
import io.mapfs.server.store.Names;
import java.io.IOException;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Control methods on tokens and credentials. */
final class CredentialMethods {
  private static final long DEFAULT_LIFETIME_MILLIS = TimeUnit.HOURS.toMillis(1);
  private static final long MOST_LIFETIME_MILLIS = TimeUnit.DAYS.toMillis(30);

  private final ApplianceStore store;
  private final Credentials credentials;
  private final JoinTokens tokens;
  private final Access access;
  private final Supplier<Collection<Client>> clients;

  CredentialMethods(
      ApplianceStore store,
      Credentials credentials,
      Access access,
      Supplier<Collection<Client>> clients) {
    this.store = store;
    this.credentials = credentials;
    this.tokens = new JoinTokens(store, credentials);
    this.access = access;
    this.clients = clients;
  }

  JsonObject createToken(Client client, Parameters in) throws IOException, ApplianceException {
    String node = access.node(in.text("node")).name();
    long lifetimeMillis = in.number("lifetimeMillis", DEFAULT_LIFETIME_MILLIS);
    if (lifetimeMillis == 0 || lifetimeMillis > MOST_LIFETIME_MILLIS) {
      throw new ApplianceException(
          FailureCode.INVALID, "a token lives for 30 days at most, and longer than no time");
    }
    long expiresMillis = store.control().nowMillis() + lifetimeMillis;
    JoinToken token = tokens.create(node, expiresMillis, client.caller());
    return new Json()
        .with("node", node)
        .with("tokenId", token.id())
        .with("expiresMillis", expiresMillis)
        .with("token", token.text())
        .build();
  }

  /** Whoever has a node's token becomes the node. */
  JsonObject join(Client client, Parameters in) throws IOException, ApplianceException {
    String node = access.node(in.text("node")).name();
    X509Certificate certificate =
        tokens.redeem(
            node, in.text("tokenId"), in.text("secret"), requestedKey(in), client.caller());
    return issued(certificate).with("node", node).build();
  }

  JsonObject addAdministrator(Client client, Parameters in) throws IOException, ApplianceException {
    String name = Names.require("administrator", in.text("name"));
    if (!credentials.valid(Role.ADMINISTRATOR, name).isEmpty()) {
      throw new ApplianceException(
          FailureCode.CONFLICT,
          "there is an administrator '" + name + "' already: choose another name, or revoke it");
    }
    X509Certificate certificate =
        credentials.issue(Role.ADMINISTRATOR, name, requestedKey(in), client.caller());
    return issued(certificate).with("name", name).build();
  }

  private static PublicKey requestedKey(Parameters in) throws ApplianceException {
    try {
      return CertificateRequest.verifiedKey(in.text("request"));
    } catch (IOException e) {
      throw new ApplianceException(FailureCode.INVALID, e.getMessage(), e);
    }
  }

  private Json issued(X509Certificate certificate) {
    return new Json()
        .with("id", Certificates.id(certificate))
        .with("certificate", Certificates.pem(certificate))
        .with("authority", Certificates.pem(store.authority().certificate()));
  }

  JsonObject administrators() throws IOException {
    JsonArray list = new JsonArray();
    for (CredentialRecord record : credentials.all(Role.ADMINISTRATOR)) {
      list.add(
          new Json()
              .with("name", record.name())
              .with("id", record.id())
              .with("issuedMillis", record.issuedMillis())
              .with("issuedBy", record.issuedBy())
              .with("revokedMillis", record.revokedMillis())
              .build());
    }
    return new Json().with("administrators", list).build();
  }

  JsonObject revokeAdministrator(Parameters in) throws IOException, ApplianceException {
    String name = in.text("name");
    if (credentials.valid(Role.ADMINISTRATOR, name).isEmpty()) {
      throw Names.notFound(
          "administrator",
          name,
          credentials.valid(Role.ADMINISTRATOR).stream().map(CredentialRecord::name).toList());
    }
    return new Json()
        .with("name", name)
        .with("revoked", revoke(Role.ADMINISTRATOR, name, List.of()))
        .build();
  }

  JsonObject revokeNode(Parameters in) throws IOException, ApplianceException {
    String node = access.node(in.text("node")).name();
    return new Json().with("node", node).with("revoked", revokeNode(node)).build();
  }

  /** Revokes a node's certificates and tokens, and ends its connections. */
  int revokeNode(String node) throws IOException {
    return revoke(Role.NODE, node, tokens.revocation(node));
  }

  private int revoke(Role role, String name, List<ControlChange> others) throws IOException {
    List<CredentialRecord> records = credentials.valid(role, name);
    credentials.revoke(records, others);
    Set<String> revoked = new HashSet<>();
    records.forEach(record -> revoked.add(record.id()));
    for (Client client : clients.get()) {
      String id = client.caller().credentialId();
      if (id != null && revoked.contains(id)) {
        client.session().close();
      }
    }
    return records.size();
  }
}
