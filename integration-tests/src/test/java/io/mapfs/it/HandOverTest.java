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
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a node hands over when: at a sync, a signal, an aborted connection. */
final class HandOverTest {
  private static final int INVALID = 2;
  private static final int UNAVAILABLE = 5;
  private static final long END_SECONDS = 120;

  private Sandbox user;
  private Path root;
  private ProcessHandle daemon;

  @BeforeEach
  void mount() throws Exception {
    Requirements.mounts();
    user = new Sandbox().withAppliance().withNode("web01");
    root = user.newDirectory("mnt-web01");
    daemon = Sandbox.daemon(user.mountAt(root, "web01"));
  }

  @AfterEach
  void close() throws Exception {
    if (user != null) {
      user.close();
    }
  }

  /** One that has neither this one's state nor its cache. */
  private void mountOnAnotherMachine() throws Exception {
    user.mount(
        "web01",
        "--state",
        user.newDirectory("state2").toString(),
        "--cache",
        user.newDirectory("cache2").toString());
  }

  /** A file that is held open, whose filesystem may go away. */
  private record OpenFile(FileChannel channel) implements AutoCloseable {
    static OpenFile create(Path file) throws IOException {
      return new OpenFile(
          FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
    }

    @Override
    public void close() {
      try {
        channel.close();
      } catch (IOException e) {
        // The connection was aborted, which is what the test is about.
        assertEquals("Transport endpoint is not connected", e.getMessage());
      }
    }
  }

  @Test
  void aFileThatWasDeletedWhileOpenIsGoneBeforeTheLeaseIs() throws Exception {
    Path file = root.resolve("etc/deleted");
    try (OpenFile open = OpenFile.create(file)) {
      open.channel.write(ByteBuffer.wrap(new byte[] {1}));
      Files.delete(file);
      // Aborts the connection: the kernel tells the daemon of no close and of no forgotten inode.
      Sandbox.shell("umount -f -l \"$1\"", root);
      daemon.onExit().get(END_SECONDS, TimeUnit.SECONDS);
    }
    String log = Files.readString(Path.of(user.log("web01")));
    assertFalse(log.contains("while shutting down"), log);
    JsonObject again =
        user.run("mount", "web01", root.toString(), "--log", user.log("web01"), "--output", "json")
            .ok()
            .json();
    assertEquals(0, again.get("resentRecords").getAsInt(), again::toString);
    assertFalse(again.get("headLoaded").getAsBoolean(), again::toString);
    try (Stream<Path> states = Files.walk(user.path("state"), 2)) {
      assertTrue(states.noneMatch(path -> path.toString().contains(".aside")));
    }
    user.umount(root).ok();
  }

  @Test
  void whatWasWrittenBeforeASyncIsAtTheAppliance() throws Exception {
    Path file = root.resolve("etc/unsynced");
    try (OpenFile open = OpenFile.create(file)) {
      open.channel.write(ByteBuffer.wrap("by sync alone\n".getBytes(StandardCharsets.UTF_8)));
      JsonObject synced =
          user.run("sync", root.resolve("etc").toString(), "--output", "json").ok().json();
      assertEquals("web01", synced.get("node").getAsString());
      assertTrue(synced.get("sequence").getAsLong() > 0, synced::toString);
      daemon.destroyForcibly();
      daemon.onExit().get(END_SECONDS, TimeUnit.SECONDS);
    }
    user.umount(root).ok();
    mountOnAnotherMachine();
    assertEquals("by sync alone\n", Files.readString(file));
    user.umount(root).ok();
  }

  @Test
  void aSyncThatFailsSaysWhatBecomesOfTheData() throws Exception {
    user.umount(root).ok();
    user.mount("web01", "--loss-limit", "2");
    user.stopAppliance();
    Files.writeString(root.resolve("etc/motd"), "later\n");
    Run refused = user.run("sync", root.toString()).refused(UNAVAILABLE, "kept on this machine");
    assertFalse(refused.err().contains("umount"), refused::toString);
    user.umount(root).refused(UNAVAILABLE, "stays mounted", "umount --force");
    user.serve();
    // The daemon connects again after a pause of a few seconds.
    for (int tries = 0; user.run("sync", root.toString()).exitCode() != 0; tries++) {
      assertTrue(tries < 20, "the data is not sent when the appliance is back");
    }
    user.umount(root).ok();
    user.run("sync", "/proc").refused(INVALID, "not mounted by MapFS");
  }

  @Test
  void whatWasWrittenIsHandedOverBeforeASignalTakesTheMountAway() throws Exception {
    byte[] text = "written, not synced\n".getBytes(StandardCharsets.UTF_8);
    Path file = root.resolve("etc/busy");
    try (OpenFile open = OpenFile.create(file)) {
      open.channel.write(ByteBuffer.wrap(text));
      daemon.destroy();
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(END_SECONDS);
      while (Files.exists(root.resolve("etc"))) {
        assertTrue(System.nanoTime() < deadline, "SIGTERM does not unmount");
        Thread.sleep(1);
      }
      daemon.destroyForcibly();
      daemon.onExit().get(END_SECONDS, TimeUnit.SECONDS);
    }
    mountOnAnotherMachine();
    assertEquals("written, not synced\n", Files.readString(file));
    user.umount(root).ok();
  }
}
