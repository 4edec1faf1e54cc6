package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The command lines of docs/security.md. */
final class SecureApplianceTest {
  private static final int INVALID = 2;
  private static final int CONFLICT = 4;
  private static final int DENIED = 7;

  private Sandbox user;

  @BeforeEach
  void serve() throws Exception {
    Requirements.mounts();
    user = new Sandbox().withSecureAppliance();
  }

  @AfterEach
  void close() throws Exception {
    if (user != null) {
      user.close();
    }
  }

  private static String permissions(Path file) throws Exception {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }

  @Test
  void aMachineJoinsMountsAndIsRevoked() throws Exception {
    Path rootfs = user.importSmallTree();
    user.run("node", "add", "web01", "--master", "debian").ok();
    Path directory = user.newDirectory("mnt-web01");
    user.run("mount", "web01", directory.toString(), "--log", user.log("web01"), "--insecure")
        .refused(DENIED, "TLS", "join");

    Path token = user.path("web01.token");
    user.run("node", "token", "create", "web01", "--file", token.toString()).ok();
    assertEquals("rw-------", permissions(token));
    user.run("node", "join", "--token-file", token.toString()).ok();
    assertEquals("rw-------", permissions(user.path("identity.pem")));
    user.run("node", "join", "--token-file", token.toString()).refused(CONFLICT, "exists already");
    user.run(
            "node",
            "join",
            "--token-file",
            token.toString(),
            "--identity",
            user.path("again.pem").toString())
        .refused(DENIED, "not valid", "node token create web01");
    assertFalse(Files.exists(user.path("again.pem")));

    Path root = user.mount("web01");
    user.run("fingerprint", rootfs.toString(), root.toString()).ok();
    Files.writeString(root.resolve("etc/motd"), "over TLS\n");
    user.run("sync", root.toString()).ok();
    user.run("snapshot", "create", "web01").ok();
    user.umount(root).ok();
    user.mount("web01", "--loss-limit", "2");
    assertEquals("over TLS\n", Files.readString(root.resolve("etc/motd")));

    user.run("node", "revoke", "web01").ok();
    // What it had yet to hand over stays on the machine.
    user.run("umount", "--force", root.toString());
    user.run("mount", "web01", root.toString(), "--log", user.log("web01"))
        .refused(DENIED, "node web01", "revoked");

    Run audit = user.run("appliance", "audit", "--output", "json").ok();
    JsonArray acts = audit.json().getAsJsonArray("acts");
    List<String> methods =
        acts.asList().stream()
            .map(act -> act.getAsJsonObject().get("method").getAsString())
            .toList();
    assertTrue(
        methods.containsAll(
            List.of("node.add", "token.create", "node.join", "snapshot.create", "node.revoke")),
        methods.toString());
    assertEquals("administrator admin", acts.get(0).getAsJsonObject().get("who").getAsString());
    assertNoSecret(Files.readString(token).strip(), token);
  }

  /** The token's secret is in its own file alone: in no log, no store, no answer. */
  private void assertNoSecret(String token, Path but) throws Exception {
    String secret = token.split(":", -1)[3];
    try (Stream<Path> files = Files.walk(user.path("."))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        boolean has = Files.readString(file, StandardCharsets.ISO_8859_1).contains(secret);
        assertEquals(file.endsWith(but.getFileName()), has, file.toString());
      }
    }
  }

  @Test
  void administratorsComeAndGo() throws Exception {
    Path alice = user.path("alice.pem");
    user.run("admin", "add", "alice", "--file", alice.toString()).ok();
    assertEquals("rw-------", permissions(alice));
    user.run("admin", "add", "alice", "--file", user.path("2.pem").toString())
        .refused(CONFLICT, "alice");
    user.run("status", "--credential", alice.toString()).ok();
    Sandbox.shell("chmod 0640 \"$1\"", alice);
    user.run("status", "--credential", alice.toString()).refused(DENIED, "chmod 600");
    Sandbox.shell("chmod 0600 \"$1\"", alice);
    user.run("admin", "revoke", "alice").ok();
    user.run("status", "--credential", alice.toString()).refused(DENIED, "alice", "revoked");
    assertTrue(user.run("admin", "list").ok().out().contains("alice"));
    user.run("admin", "revoke", "alise").refused(3, "alise");
  }

  @Test
  void plainTcpIsForLoopbackAlone() throws Exception {
    user.run("appliance", "init", "--store", user.path("store2").toString()).ok();
    user.run(
            "appliance",
            "serve",
            "--store",
            user.path("store2").toString(),
            "--listen",
            "0.0.0.0:0",
            "--insecure")
        .refused(DENIED, "0.0.0.0", "TLS");
    user.run("status", "--insecure", "--appliance", "192.0.2.1:7400")
        .refused(DENIED, "192.0.2.1:7400", "TLS");
    user.run("status", "--insecure").refused(DENIED, "TLS");
    Path bad = Files.writeString(user.path("bad.token"), "not a token");
    user.run("node", "join", "--token-file", bad.toString()).refused(INVALID, "no token");
  }
}
