package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonObject;
import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ClientConfig;
import io.mapfs.client.Endpoint;
import io.mapfs.node.control.DaemonClient;
import io.mapfs.node.control.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What one machine reads at its boot is there before another one of the same master reads it. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
final class BootOrderTest {
  private static final int BLOCKS = 5;
  private static final byte[] PROGRAM = new byte[BLOCKS << 17];

  static {
    new Random(1).nextBytes(PROGRAM);
  }

  private Sandbox user;

  @BeforeEach
  void start() throws Exception {
    Requirements.mounts();
    user = new Sandbox().withAppliance();
    Path rootfs = user.newDirectory("rootfs");
    Files.write(rootfs.resolve("program"), PROGRAM);
    Files.writeString(rootfs.resolve("never-read"), "by the first machine");
    user.run("repo", "import", "debian", rootfs.toString()).ok();
    user.run("node", "add", "web01", "--master", "debian").ok();
    user.run("node", "add", "web02", "--master", "debian").ok();
  }

  @AfterEach
  void close() throws Exception {
    if (user != null) {
      user.close();
    }
  }

  @Test
  void isStreamedAheadToTheNextMachine() throws Exception {
    Path first = user.mount("web01", "--boot-window", "2");
    assertArrayEquals(PROGRAM, Files.readAllBytes(first.resolve("program")));
    JsonObject master = new JsonObject();
    master.addProperty("master", "debian");
    try (ApplianceClient admin =
        ApplianceClient.connect(Endpoint.parse(user.address()), ClientConfig.admin("test"))) {
      while (!admin.call("boot.get", master).has("order")) {
        Thread.sleep(100);
      }
    }
    user.umount(first).ok();

    Path second =
        user.mount("web02", "--cache", user.newDirectory("cache2").toString(), "--loss-limit", "2");
    while (fetchedBlocks("web02") < BLOCKS) {
      Thread.sleep(50);
    }
    user.killAppliance();
    assertArrayEquals(PROGRAM, Files.readAllBytes(second.resolve("program")));
    assertThrows(IOException.class, () -> Files.readString(second.resolve("never-read")));
    user.serve();
  }

  private long fetchedBlocks(String node) throws Exception {
    Path socket = new RunDirectory(user.path("run")).socket(node);
    return DaemonClient.ask(socket, "status", new JsonObject())
        .getAsJsonObject("cache")
        .get("fetchedBlocks")
        .getAsLong();
  }
}
