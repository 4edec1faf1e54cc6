package io.mapfs.wire;

import com.google.gson.JsonObject;
import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ClientConfig;
import io.mapfs.client.ClientSecurity;
import io.mapfs.client.Endpoint;
import io.mapfs.client.RemoteImportTarget;
import io.mapfs.client.TreeFiles;
import io.mapfs.core.importer.ImportOptions;
import io.mapfs.core.importer.ImportSource;
import io.mapfs.core.importer.Importer;
import io.mapfs.core.security.CertificateRequest;
import io.mapfs.core.security.Certificates;
import io.mapfs.core.security.Credential;
import io.mapfs.core.security.JoinToken;
import io.mapfs.core.security.Keys;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.server.control.Appliance;
import io.mapfs.server.net.BlockServer;
import io.mapfs.server.net.ServerConfig;
import io.mapfs.server.store.ApplianceStore;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** A real appliance that speaks TLS on loopback, with a clock that tests move. */
final class SecureRig implements AutoCloseable {
  private final Path directory;
  private final List<AutoCloseable> opened = new ArrayList<>();
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  Appliance appliance;
  BlockServer server;

  SecureRig(Path directory) throws Exception {
    this.directory = directory;
    Appliance.init(store(), clock(), "test");
    serve(config -> config);
  }

  Path store() {
    return directory.resolve("store");
  }

  private Clock clock() {
    return new Clock() {
      @Override
      public Instant instant() {
        return now;
      }

      @Override
      public ZoneOffset getZone() {
        return ZoneOffset.UTC;
      }

      @Override
      public Clock withZone(java.time.ZoneId zone) {
        return this;
      }
    };
  }

  void later(Duration duration) {
    now = now.plus(duration);
  }

  private void serve(UnaryOperator<ServerConfig> change) throws Exception {
    appliance = Appliance.open(store(), clock(), "test");
    server =
        BlockServer.start(
            change.apply(
                ServerConfig.listen("127.0.0.1", 0, "test").withCredential(appliance.credential())),
            appliance);
  }

  /** What is done while no appliance runs. */
  interface Meanwhile {
    void run() throws Exception;
  }

  void restart(UnaryOperator<ServerConfig> change) throws Exception {
    restart(change, () -> {});
  }

  void restart(UnaryOperator<ServerConfig> change, Meanwhile meanwhile) throws Exception {
    closeAll();
    meanwhile.run();
    serve(change);
  }

  Endpoint endpoint() {
    return new Endpoint("127.0.0.1", server.address().getPort());
  }

  Credential adminCredential() throws Exception {
    return Credential.load(ApplianceStore.adminCredential(store()));
  }

  ApplianceClient admin() throws Exception {
    return connect("", new ClientSecurity.Certified(adminCredential()));
  }

  ApplianceClient node(String name, Credential credential) throws ApplianceException {
    return connect(name, new ClientSecurity.Certified(credential));
  }

  /** A connection, closed with the rig. */
  ApplianceClient connect(String node, ClientSecurity security) throws ApplianceException {
    ApplianceClient client =
        ApplianceClient.connect(endpoint(), ClientConfig.node(node, "test").withSecurity(security));
    opened.add(client);
    return client;
  }

  static JsonObject json(Object... members) {
    JsonObject json = new JsonObject();
    for (int i = 0; i < members.length; i += 2) {
      if (members[i + 1] instanceof Number number) {
        json.addProperty((String) members[i], number);
      } else {
        json.addProperty((String) members[i], (String) members[i + 1]);
      }
    }
    return json;
  }

  /** Imports a tree and adds nodes on it. */
  void master(String master, Path tree, String... nodes) throws Exception {
    try (ApplianceClient admin = admin();
        RemoteImportTarget target =
            RemoteImportTarget.begin(
                admin, master, true, null, new TreeFiles(admin, directory.resolve("trees")))) {
      Importer.run(
          ImportSource.of(tree.toString()),
          target,
          ImportOptions.defaults(),
          (files, bytes, newBytes) -> {});
      for (String node : nodes) {
        admin.call("node.add", json("node", node, "master", master));
      }
    }
  }

  JoinToken token(String node, Duration lifetime) throws Exception {
    try (ApplianceClient admin = admin()) {
      return JoinToken.parse(
          admin
              .call("token.create", json("node", node, "lifetimeMillis", lifetime.toMillis()))
              .get("token")
              .getAsString());
    }
  }

  /** Becomes a node. */
  Credential join(JoinToken token) throws Exception {
    return join(token, token.node(), token.secret());
  }

  Credential join(JoinToken token, String node, String secret) throws Exception {
    KeyPair pair = Keys.generate();
    try (ApplianceClient guest = connect(node, new ClientSecurity.Joining(token))) {
      JsonObject answer =
          guest.call(
              "node.join",
              json(
                  "node",
                  node,
                  "tokenId",
                  token.id(),
                  "secret",
                  secret,
                  "request",
                  CertificateRequest.make(pair, node)));
      return new Credential(
          pair.getPrivate(),
          Certificates.parse(answer.get("certificate").getAsString()),
          Certificates.parse(answer.get("authority").getAsString()));
    }
  }

  Credential join(String node) throws Exception {
    return join(token(node, Duration.ofMinutes(10)));
  }

  private void closeAll() throws Exception {
    for (AutoCloseable each : opened) {
      each.close();
    }
    opened.clear();
    server.close();
    appliance.close();
  }

  @Override
  public void close() throws Exception {
    closeAll();
  }
}
