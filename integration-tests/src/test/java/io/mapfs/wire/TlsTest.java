package io.mapfs.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ClientSecurity;
import io.mapfs.core.security.CertificateAuthority;
import io.mapfs.core.security.Credential;
import io.mapfs.core.security.JoinToken;
import io.mapfs.core.security.Role;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.control.AdministratorRecovery;
import io.mapfs.server.net.ServerConfig;
import io.mapfs.server.net.ServerTimeouts;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Who gets a connection to the appliance, and as whom. */
@Timeout(60)
final class TlsTest {
  @TempDir private Path temp;
  private SecureRig rig;

  @BeforeEach
  void open() throws Exception {
    rig = new SecureRig(temp);
    Path tree = Files.createDirectories(temp.resolve("tree"));
    Files.writeString(tree.resolve("file"), "content");
    rig.master("debian", tree, "web01", "web02");
  }

  @AfterEach
  void close() throws Exception {
    rig.close();
  }

  private static ApplianceException denied(Executable action, String part) {
    ApplianceException e = assertThrows(ApplianceException.class, action);
    assertEquals(FailureCode.DENIED, e.code(), e.getMessage());
    assertTrue(e.getMessage().contains(part), e.getMessage());
    return e;
  }

  @Test
  void aTokenMakesAMachineANodeOnce() throws Exception {
    JoinToken token = rig.token("web01", Duration.ofMinutes(10));
    Credential credential = rig.join(token);
    try (ApplianceClient node = rig.node("web01", credential)) {
      assertEquals(1, ApplianceClient.await(node.openOverlay("web01", "host", false)).epoch());
    }
    denied(() -> rig.join(token), "not valid");
    // Another makes another machine the same node.
    rig.node("web01", rig.join("web01"));
  }

  @Test
  void tokensExpire() throws Exception {
    JoinToken token = rig.token("web01", Duration.ofMinutes(10));
    rig.later(Duration.ofMinutes(10));
    denied(() -> rig.join(token), "not valid");
  }

  @Test
  void tokensAreForOneNodeAndNeedTheirSecret() throws Exception {
    JoinToken token = rig.token("web01", Duration.ofMinutes(10));
    denied(() -> rig.join(token, "web02", token.secret()), "not valid");
    String other = rig.token("web01", Duration.ofMinutes(10)).secret();
    denied(() -> rig.join(token, "web01", other), "not valid");
    // Neither attempt has used it up.
    rig.join(token);
  }

  @Test
  void aTokenKnowsItsAppliance() throws Exception {
    JoinToken elsewhere = JoinToken.create("web01", new byte[32]);
    denied(() -> rig.join(elsewhere), "another appliance than the token's");
  }

  @Test
  void secretsAreNotKept() throws Exception {
    JoinToken token = rig.token("web01", Duration.ofMinutes(10));
    rig.restart(config -> config);
    try (Stream<Path> files = Files.walk(rig.store())) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String content = Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1);
        assertFalse(content.contains(token.secret()), file.toString());
      }
    }
    rig.join(token);
  }

  @Test
  void keysAreReadableByTheirOwnerAlone() throws Exception {
    try (Stream<Path> files = Files.list(rig.store().resolve("keys"))) {
      List<Path> keys = files.toList();
      assertEquals(5, keys.size(), keys.toString());
      for (Path key : keys) {
        assertEquals(
            "rw-------",
            PosixFilePermissions.toString(Files.getPosixFilePermissions(key)),
            key.toString());
      }
    }
  }

  @Test
  void aCertificateIsForItsHolderAlone() throws Exception {
    Credential credential = rig.join("web01");
    denied(() -> rig.node("web02", credential), "not for node web02");
    denied(() -> rig.node("", credential), "not for administrators");
    denied(() -> rig.node("web01", rig.adminCredential()), "not for node web01");
  }

  @Test
  void certificatesOfOthersAreRefused() throws Exception {
    String cluster = rig.appliance.clusterId();
    Credential own = rig.adminCredential();
    for (Role role : List.of(Role.NODE, Role.ADMINISTRATOR)) {
      String name = role == Role.NODE ? "web01" : "";
      Credential theirs =
          CertificateAuthority.create(cluster).credential(role, name.isEmpty() ? "admin" : name);
      // As if it trusted this appliance.
      denied(
          () -> rig.node(name, new Credential(theirs.key(), theirs.certificate(), own.authority())),
          "no TLS connection");
    }
    // Signed by the right key, but never recorded: a copy of the authority's key alone is not
    // enough.
    CertificateAuthority stolen =
        CertificateAuthority.decode(
            Files.readString(rig.store().resolve("keys/authority.pem")), cluster);
    denied(() -> rig.node("", stolen.credential(Role.ADMINISTRATOR, "admin")), "does not know");
    denied(() -> rig.node("", stolen.credential(Role.APPLIANCE, "appliance")), "no TLS connection");
  }

  @Test
  void clientsRefuseAnotherAppliance() throws Exception {
    Credential own = rig.adminCredential();
    denied(
        () ->
            rig.node(
                "",
                new Credential(
                    own.key(),
                    own.certificate(),
                    CertificateAuthority.create(rig.appliance.clusterId()).certificate())),
        "another authority");
  }

  @Test
  void revokingANodeEndsItsConnectionsAndTokens() throws Exception {
    Credential credential = rig.join("web01");
    JoinToken token = rig.token("web01", Duration.ofMinutes(10));
    ApplianceClient live = rig.node("web01", credential);
    CountDownLatch ended = new CountDownLatch(1);
    live.onDisconnect(cause -> ended.countDown());
    try (ApplianceClient admin = rig.admin()) {
      JsonObject result = admin.call("node.revoke", SecureRig.json("node", "web01"));
      assertEquals(1, result.get("revoked").getAsInt());
    }
    assertTrue(ended.await(20, TimeUnit.SECONDS), "the connection lives on");
    denied(() -> rig.node("web01", credential), "was revoked");
    denied(() -> rig.join(token), "not valid");
    rig.restart(config -> config);
    denied(() -> rig.node("web01", credential), "was revoked");
    rig.node("web01", rig.join("web01"));
  }

  @Test
  void aRemovedNodesMachinesAreNotTheNextOnes() throws Exception {
    Credential credential = rig.join("web01");
    try (ApplianceClient admin = rig.admin()) {
      admin.call("node.remove", SecureRig.json("node", "web01"));
      admin.call("node.add", SecureRig.json("node", "web01", "master", "debian"));
    }
    denied(() -> rig.node("web01", credential), "was revoked");
  }

  @Test
  void onlyWhoeverHasTheStoreMakesAnAdministratorWhenNobodyIsLeft() throws Exception {
    Credential first = rig.adminCredential();
    try (ApplianceClient admin = rig.admin()) {
      admin.call("admin.revoke", SecureRig.json("name", "admin"));
    } catch (ApplianceException e) {
      // It may close this connection before its answer is out.
      assertEquals(FailureCode.UNAVAILABLE, e.code());
    }
    denied(() -> rig.node("", first), "was revoked");
    rig.restart(config -> config);
    denied(() -> rig.admin(), "was revoked");
    Path file = rig.store().resolveSibling("recovered.pem");
    rig.restart(
        config -> config,
        () -> AdministratorRecovery.run(rig.store(), Clock.systemUTC(), "admin", file));
    rig.node("", Credential.load(file)).call("status", new JsonObject());
    denied(() -> rig.node("", first), "was revoked");
  }

  @Test
  void plainTcpIsRefusedInOneLine() {
    denied(() -> rig.connect("", ClientSecurity.PLAIN), "speaks TLS alone");
  }

  @Test
  void tlsToAnInsecureApplianceIsRefusedInOneLine() throws Exception {
    Credential credential = rig.adminCredential();
    rig.restart(config -> config.withCredential(null));
    ApplianceException e = denied(() -> rig.node("", credential), "--insecure");
    assertEquals(1, e.getMessage().lines().count());
  }

  @Test
  void plainTcpBeyondLoopbackIsRefused() {
    ApplianceException e =
        denied(
            () ->
                ApplianceClient.connect(
                    new io.mapfs.client.Endpoint("192.0.2.1", 7400),
                    io.mapfs.client.ClientConfig.admin("test")),
            "--credential");
    assertEquals(1, e.getMessage().lines().count());
  }

  @Test
  void whoNeverShakesHandsHoldsNobodyUp() throws Exception {
    rig.restart(TlsTest::hasty);
    List<Socket> silent = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      Socket socket = new Socket(InetAddress.getLoopbackAddress(), rig.endpoint().port());
      if (i % 2 == 0) {
        socket.getOutputStream().write(0x16);
      }
      silent.add(socket);
    }
    rig.admin().call("status", new JsonObject());
    for (Socket socket : silent) {
      socket.setSoTimeout(20_000);
      assertEquals(-1, socket.getInputStream().read(), "the appliance keeps the connection");
      socket.close();
    }
  }

  @Test
  void aFloodOfStrangersKeepsNobodyOut() throws Exception {
    // Nobody is sent away for being slow.
    rig.restart(
        config ->
            config
                .withBounds(bounds -> bounds.withStrangers(8))
                .withTimeouts(
                    new ServerTimeouts(
                        Duration.ofMinutes(10),
                        Duration.ofMinutes(10),
                        Duration.ofMinutes(10),
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(5))));
    ApplianceClient before = rig.admin();
    List<Socket> flood = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      flood.add(new Socket(InetAddress.getLoopbackAddress(), rig.endpoint().port()));
    }
    // Two event loops take them: who comes before all are in may be sent away for one of these.
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (stillOpen(flood) > 8) {
      assertTrue(System.nanoTime() - end < 0, "more strangers are kept than may be");
    }
    rig.admin().call("status", new JsonObject());
    before.call("status", new JsonObject());
    for (Socket socket : flood) {
      socket.close();
    }
  }

  private static int stillOpen(List<Socket> sockets) throws IOException {
    int open = 0;
    for (Socket socket : sockets) {
      socket.setSoTimeout(50);
      try {
        assertEquals(-1, socket.getInputStream().read());
      } catch (SocketTimeoutException e) {
        open++;
      }
    }
    return open;
  }

  @Test
  void whoDoesNotJoinIsSentAway() throws Exception {
    rig.restart(TlsTest::hasty);
    ApplianceClient guest =
        rig.connect("web01", new ClientSecurity.Joining(rig.token("web01", Duration.ofMinutes(1))));
    CountDownLatch ended = new CountDownLatch(1);
    guest.onDisconnect(cause -> ended.countDown());
    assertTrue(ended.await(20, TimeUnit.SECONDS), "the appliance keeps the connection");
  }

  private static ServerConfig hasty(ServerConfig config) {
    return config.withTimeouts(
        new ServerTimeouts(
            Duration.ofMillis(500),
            Duration.ofSeconds(5),
            Duration.ofSeconds(5),
            Duration.ofSeconds(5),
            Duration.ofSeconds(5)));
  }
}
