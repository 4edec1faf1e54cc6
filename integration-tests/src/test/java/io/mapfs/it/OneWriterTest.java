package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Two machines and one node: moves, takeovers, fences, and what comes too late. Another machine is
 * another run, state and cache directory on this one.
 */
final class OneWriterTest {
  private static final int UNAVAILABLE = 5;
  private static final long END_SECONDS = 120;

  private Sandbox user;
  private Path root;

  @BeforeEach
  void add() throws Exception {
    Requirements.mounts();
    user = new Sandbox().withAppliance().withNode("web01");
    root = user.newDirectory("mnt-web01");
  }

  @AfterEach
  void close() throws Exception {
    if (user != null) {
      user.close();
    }
  }

  private JsonObject mount(String... options) throws Exception {
    return user.mountAt(root, "web01", options);
  }

  private static void kill(JsonObject report) throws Exception {
    ProcessHandle daemon = Sandbox.daemon(report);
    daemon.destroyForcibly();
    daemon.onExit().get(END_SECONDS, TimeUnit.SECONDS);
  }

  private static void writeAndSync(Path file, String text) throws Exception {
    FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
    channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    channel.force(false);
    try {
      channel.close();
    } catch (IOException e) {
      // close(2) tells that the appliance does not have it, also where fsync is content without.
      assertEquals("Input/output error", e.getMessage());
    }
  }

  @Test
  void whatADaemonThatWasKilledHadOnItsDiskIsSentAtTheNextMount() throws Exception {
    JsonObject report = mount("--durability", "local", "--loss-limit", "2");
    user.stopAppliance();
    writeAndSync(root.resolve("etc/motd"), "on the disk\n");
    kill(report);
    user.serve();
    user.umount(root).ok();
    JsonObject again = mount();
    assertTrue(again.get("resentRecords").getAsInt() > 0, again::toString);
    assertEquals(0, again.get("lateRecords").getAsInt(), again::toString);
    assertEquals("on the disk\n", Files.readString(root.resolve("etc/motd")));
    user.umount(root).ok();
  }

  @Test
  void whatAFencedMachineHadNotHandedOverBecomesALateTail() throws Exception {
    mount("--durability", "local", "--loss-limit", "2");
    Files.writeString(root.resolve("etc/hostname"), "first\n");
    user.run("sync", root.toString()).ok();
    user.run("node", "fence", "web01").ok();
    writeAndSync(root.resolve("etc/motd"), "too late\n");
    user.run("sync", root.toString()).refused(UNAVAILABLE);
    user.run("umount", "--force", root.toString())
        .refused(UNAVAILABLE, "mapfs node tail list web01");
    Run list = user.run("node", "tail", "list", "web01").ok();
    assertTrue(list.out().contains("t1"), list::toString);
    Run show = user.run("node", "tail", "show", "web01", "t1").ok();
    assertTrue(show.out().contains("M /etc/motd"), show::toString);
    assertFalse(show.out().contains("hostname"), show::toString);
    Path file = user.path("t1.journal");
    user.run("node", "tail", "export", "web01", "t1", file.toString()).ok();
    assertTrue(Files.size(file) > 4096);

    JsonObject again = mount();
    assertEquals(0, again.get("lateRecords").getAsInt(), "it is handed over once");
    assertEquals("first\n", Files.readString(root.resolve("etc/hostname")));
    assertEquals("Welcome.\n", Files.readString(root.resolve("etc/motd")));
    user.run("node", "tail", "drop", "web01", "t1").ok();
    assertEquals("No late tails.\n", user.run("node", "tail", "list", "web01").ok().out());
    user.umount(root).ok();
  }

  @Test
  void anOldMachinesTailIsLateHoweverFarTheNewOneHasGot() throws Exception {
    JsonObject report = mount("--durability", "local", "--loss-limit", "2");
    user.stopAppliance();
    writeAndSync(root.resolve("etc/motd"), "old machine\n");
    kill(report);
    user.serve();
    user.umount(root).ok();
    mount(
        "--state",
        user.newDirectory("state2").toString(),
        "--cache",
        user.newDirectory("cache2").toString());
    for (int i = 0; i < 5; i++) {
      writeAndSync(root.resolve("etc/new" + i), "new machine\n");
    }
    user.umount(root).ok();

    JsonObject again = mount();
    assertTrue(again.get("lateRecords").getAsInt() > 0, again::toString);
    assertEquals("Welcome.\n", Files.readString(root.resolve("etc/motd")));
    assertEquals("new machine\n", Files.readString(root.resolve("etc/new4")));
    Run show = user.run("node", "tail", "show", "web01", "t1").ok();
    assertTrue(show.out().contains("M /etc/motd"), show::toString);
    user.umount(root).ok();
  }

  @Test
  void aNodeMovesToAnotherMachineWithAllThatItHad() throws Exception {
    mount();
    Files.writeString(root.resolve("etc/motd"), "moved, not synced\n");
    Run moved = user.run("node", "move", "web01").ok();
    assertTrue(moved.out().contains("handed over by"), moved::toString);
    // The old machine is still up and finds its lease gone.
    user.run("umount", "--force", root.toString());
    Path elsewhere = user.newDirectory("elsewhere");
    user.run(
            "node",
            "takeover",
            "web01",
            elsewhere.toString(),
            "--log",
            user.log("second"),
            "--state",
            user.newDirectory("state2").toString(),
            "--cache",
            user.newDirectory("cache2").toString())
        .ok();
    assertEquals("moved, not synced\n", Files.readString(elsewhere.resolve("etc/motd")));
    assertEquals("No late tails.\n", user.run("node", "tail", "list", "web01").ok().out());
    user.umount(elsewhere).ok();
  }

  @Test
  void aNodeOnOtherHardwareKeepsItsIdentityOrGetsANewOne() throws Exception {
    mount();
    Files.writeString(root.resolve("etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
    Files.createDirectories(root.resolve("etc/ssh"));
    Files.writeString(root.resolve("etc/ssh/ssh_host_ed25519_key"), "secret\n");
    Files.writeString(root.resolve("etc/ssh/sshd_config"), "kept\n");
    Path outside = Files.writeString(user.path("outside"), "not the node's\n");
    Files.createDirectories(root.resolve("var/lib"));
    Files.createSymbolicLink(root.resolve("var/lib/systemd"), outside.getParent());
    Files.writeString(user.path("random-seed"), "not the node's either\n");
    user.umount(root).ok();
    mount();
    assertEquals(
        "0123456789abcdef0123456789abcdef\n", Files.readString(root.resolve("etc/machine-id")));
    user.umount(root).ok();
    JsonObject renewed = mount("--renew-identity");
    assertEquals(
        "[\"etc/machine-id\",\"etc/ssh/ssh_host_ed25519_key\"]", renewed.get("renewed").toString());
    assertEquals("", Files.readString(root.resolve("etc/machine-id")));
    Path key = root.resolve("etc/ssh/ssh_host_ed25519_key");
    assertFalse(Files.exists(key) && Files.readString(key).equals("secret\n"));
    assertEquals("kept\n", Files.readString(root.resolve("etc/ssh/sshd_config")));
    assertEquals("not the node's either\n", Files.readString(user.path("random-seed")));
    user.umount(root).ok();
  }
}
