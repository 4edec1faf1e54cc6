package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A node whose overlay is encrypted at the appliance, by real mounts and the command. */
final class EncryptedNodeTest {
  private static final int INVALID = 2;
  private static final int CONFLICT = 4;
  private static final int DENIED = 7;

  private Sandbox user;
  private Path recovery;

  @BeforeEach
  void serve() throws Exception {
    Requirements.mounts();
    user = new Sandbox().withSecureAppliance();
    user.importSmallTree();
    recovery = user.path("recovery.pem");
  }

  @AfterEach
  void close() throws Exception {
    if (user != null) {
      user.close();
    }
  }

  private void addNode(String node, String... options) throws Exception {
    List<String> words = new ArrayList<>(List.of("node", "add", node, "--master", "debian"));
    words.addAll(List.of(options));
    user.run(words.toArray(new String[0])).ok();
    join(node, node + ".pem");
  }

  private void join(String node, String identity) throws Exception {
    Path token = user.path(identity + ".token");
    user.run("node", "token", "create", node, "--file", token.toString()).ok();
    user.run("node", "join", "--token-file", token.toString(), "--identity", path(identity)).ok();
  }

  private String path(String name) {
    return user.path(name).toString();
  }

  private Path mount(String node) throws Exception {
    return user.mount(node, "--identity", path(node + ".pem"));
  }

  private Run mountWith(String identity, Path root) throws Exception {
    return user.run(
        "mount", "web01", root.toString(), "--identity", path(identity), "--log", path("log"));
  }

  /** Files of the store that have this text in them. */
  private List<Path> holding(String text) throws IOException {
    try (Stream<Path> files = Files.walk(user.path("store"))) {
      return files
          .filter(Files::isRegularFile)
          .filter(
              file -> {
                try {
                  return Files.readString(file, StandardCharsets.ISO_8859_1).contains(text);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              })
          .toList();
    }
  }

  /** Text that the journal would have as it is, were it not encrypted. */
  private static String marker(int seed) {
    byte[] bytes = new byte[3 * 4096];
    new Random(seed).nextBytes(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }

  private static String piece(String marker) {
    return marker.substring(4096, 4160);
  }

  @Test
  void itsContentIsInNoFileOfTheStoreAndComesBack() throws Exception {
    user.run("node", "add", "web01", "--master", "debian", "--encrypt")
        .refused(INVALID, "recovery-key create");
    user.run("appliance", "recovery-key", "create", "--file", recovery.toString()).ok();
    assertEquals(
        "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(recovery)));
    Path second = user.path("second.pem");
    user.run("appliance", "recovery-key", "create", "--file", second.toString())
        .refused(CONFLICT, "--replace");
    assertFalse(Files.exists(second));
    addNode("web01", "--encrypt");
    addNode("web02");
    assertTrue(user.run("node", "show", "web01").ok().out().contains("first mount"));

    byte[] random = new byte[300_000];
    new Random(3).nextBytes(random);
    String raw = new String(random, 150_000, 48, StandardCharsets.ISO_8859_1);
    for (String node : List.of("web01", "web02")) {
      Path root = mount(node);
      Files.writeString(root.resolve("secret"), marker(1));
      Files.write(root.resolve("random"), random);
      Files.writeString(root.resolve("etc/motd"), "short\n");
      user.run("sync", root.toString()).ok();
      user.run("snapshot", "create", node).ok();
      Files.writeString(root.resolve("secret"), marker(2));
      user.umount(root).ok();
      boolean plain = node.equals("web02");
      assertEquals(plain, !holding(raw).isEmpty(), "random content of " + node);
      if (!plain) {
        assertEquals(List.of(), holding(piece(marker(1))));
        assertEquals(List.of(), holding(piece(marker(2))));
      }
    }
    assertTrue(user.run("node", "show", "web01").ok().out().contains("yes, "));
    assertTrue(user.run("node", "show", "web02").ok().out().matches("(?s).*Encrypted:? +no.*"));

    user.stopAppliance();
    user.serve();
    user.run("node", "unlock", "web02", "--recovery-key", recovery.toString())
        .refused(INVALID, "not encrypted");
    user.run("rollback", "web01", "s1").ok();
    // Nothing of what the machine itself kept.
    Sandbox.shell("rm -rf \"$1\" \"$2\"", user.path("state"), user.path("cache"));
    Path root = mount("web01");
    assertEquals(marker(1), Files.readString(root.resolve("secret")));
    assertEquals("short\n", Files.readString(root.resolve("etc/motd")));
    assertArrayEquals(random, Files.readAllBytes(root.resolve("random")));
    user.run("repo", "verify").ok();

    // Whatever was not folded when the appliance was killed waits for the key.
    Files.writeString(root.resolve("secret"), marker(4));
    user.run("sync", root.toString()).ok();
    user.killAppliance();
    user.serve();
    Files.writeString(root.resolve("after"), "the mount went on\n");
    user.run("sync", root.toString()).ok();
    user.run("umount", root.toString()).ok();
    user.run("node", "unlock", "web01", "--recovery-key", recovery.toString()).ok();
    assertEquals(List.of(), holding(piece(marker(4))));
    Path again = mount("web01");
    assertEquals(marker(4), Files.readString(again.resolve("secret")));
    assertEquals("the mount went on\n", Files.readString(again.resolve("after")));
  }

  @Test
  void otherHardwareNeedsTheRecoveryKeyAndAnErasedKeyEndsIt() throws Exception {
    user.run("appliance", "recovery-key", "create", "--file", recovery.toString()).ok();
    addNode("web01", "--encrypt");
    Path root = mount("web01");
    Files.writeString(root.resolve("secret"), marker(1));
    user.run("node", "move", "web01").ok();
    user.run("umount", "--force", root.toString());

    join("web01", "other.pem");
    Sandbox.shell("rm -rf \"$1\" \"$2\"", user.path("state"), user.path("cache"));
    mountWith("other.pem", root).refused(DENIED, "mapfs node rewrap web01");
    user.run("node", "rewrap", "web01", "--recovery-key", path("web01.pem"))
        .refused(DENIED, "no recovery key");
    user.run("node", "rewrap", "web01", "--recovery-key", recovery.toString()).ok();
    user.mountAt(root, "web01", "--identity", path("other.pem"));
    assertEquals(marker(1), Files.readString(root.resolve("secret")));
    user.umount(root).ok();

    user.run("node", "erase-key", "web01").refused(CONFLICT, "--force");
    user.run("node", "erase-key", "web01", "--force").ok();
    mountWith("other.pem", root).refused(DENIED, "erased");
    user.run("node", "unlock", "web01", "--recovery-key", recovery.toString())
        .refused(INVALID, "erased");
    assertTrue(user.run("node", "show", "web01").ok().out().contains("erased"));
    assertTrue(user.run("appliance", "audit").ok().out().contains("key.erase"));
    user.run("node", "remove", "web01", "--force").ok();
  }
}
