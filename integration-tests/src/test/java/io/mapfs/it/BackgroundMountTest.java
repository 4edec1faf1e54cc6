package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How the command that mounts becomes a daemon, or does not. */
final class BackgroundMountTest {
  private static final int UNAVAILABLE = 5;
  private static final long END_SECONDS = 60;

  private Sandbox user;
  private Path root;

  @BeforeEach
  void start() throws Exception {
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

  /** The daemon, or the command that has not become one: its log is on its command line. */
  private Stream<ProcessHandle> processes() {
    return ProcessHandle.allProcesses()
        .filter(process -> process.info().commandLine().orElse("").contains(user.log("web01")));
  }

  private void awaitNoProcess() throws Exception {
    for (ProcessHandle process : processes().toList()) {
      process.onExit().get(END_SECONDS, TimeUnit.SECONDS);
    }
    assertFalse(
        Files.readString(Path.of("/proc/self/mounts")).contains(root.toString()), "left mounted");
  }

  private static Path link(Path link) {
    try {
      return Files.readSymbolicLink(link);
    } catch (IOException e) {
      return Path.of("closed meanwhile");
    }
  }

  @Test
  void theDaemonKeepsNothingOfItsStarter() throws Exception {
    Path lock = user.path("lock");
    Run run =
        user.runThrough(
            List.of(
                "sh", "-ec", "cd \"$0\"; exec 7>lock 4>&7; \"$@\"", lock.getParent().toString()),
            "mount",
            "web01",
            "mnt-web01",
            "--log",
            user.log("web01"),
            "--output",
            "json");
    // It ended, so the pipe that is its standard output was closed.
    long pid = Sandbox.daemon(run.ok().json()).pid();
    Path process = Path.of("/proc", String.valueOf(pid));
    assertEquals(root.toString(), run.json().get("mountPoint").getAsString());
    assertEquals(Path.of("/"), link(process.resolve("cwd")));
    assertEquals(Path.of("/dev/null"), link(process.resolve("fd/0")));
    assertEquals(Path.of("/dev/null"), link(process.resolve("fd/1")));
    try (Stream<Path> descriptors = Files.list(process.resolve("fd"))) {
      assertFalse(descriptors.anyMatch(each -> link(each).equals(lock)), "the lock is kept");
    }
    assertEquals(
        String.valueOf(pid), Sandbox.shell("ps -o sid= -p \"$1\" | tr -d ' '", pid), "session");
    assertTrue(Files.exists(root.resolve("etc")));
    String log = Files.readString(Path.of(user.log("web01")));
    assertTrue(log.contains("mounted"), "the log says: " + log);
  }

  @ParameterizedTest
  @ValueSource(strings = {"INT", "TERM", "HUP"})
  void aMountThatIsGivenUpLeavesNothing(String signal) throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Process launcher =
          user.start(
              "mount",
              "web01",
              root.toString(),
              "--log",
              user.log("web01"),
              "--appliance",
              "127.0.0.1:" + silent.getLocalPort());
      try (Socket asking = silent.accept()) {
        assertTrue(asking.isConnected());
        Sandbox.shell("kill -\"$1\" \"$2\"", signal, launcher.pid());
        assertTrue(launcher.waitFor(END_SECONDS, TimeUnit.SECONDS), "the launcher does not end");
        awaitNoProcess();
      }
    }
    user.mountAt(root, "web01");
  }

  @Test
  void aMountThatDoesNotAnswerInTimeLeavesNothing() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      user.run(
              "mount",
              "web01",
              root.toString(),
              "--log",
              user.log("web01"),
              "--timeout",
              "1",
              "--appliance",
              "127.0.0.1:" + silent.getLocalPort())
          .refused(UNAVAILABLE, "did not answer within 1 seconds", user.log("web01"));
      awaitNoProcess();
    }
    user.mountAt(root, "web01");
  }
}
