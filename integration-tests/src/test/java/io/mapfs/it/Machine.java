package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A machine on a cable of its own, with a node's root mounted, and what programs do there. */
final class Machine {
  /** Nothing takes as long, however busy the machine that the tests run on is. */
  static final long END_SECONDS = 180;

  private static final int LOOKS = 30;
  private static final long LOOK_MILLIS = 100;

  private final Sandbox user;
  private final String node;
  private final Path root;
  private final List<String> options;
  private Wire wire;
  private int hardware;
  private ProcessHandle daemon;

  /**
   * @param options of the mount
   */
  Machine(Sandbox user, String node, String... options) throws IOException {
    this.user = user;
    this.node = node;
    this.root = user.newDirectory("mnt-" + node);
    this.options = new ArrayList<>(Arrays.asList(options));
  }

  Path root() {
    return root;
  }

  Wire wire() {
    return wire;
  }

  ProcessHandle daemon() {
    return daemon;
  }

  /** Gets the credential that an appliance with TLS asks for. */
  void join() throws IOException, InterruptedException {
    Path token = user.path(node + ".token");
    String credential = user.path(node + ".pem").toString();
    user.run("node", "token", "create", node, "--file", token.toString()).ok();
    user.run("node", "join", "--token-file", token.toString(), "--identity", credential).ok();
    options.addAll(List.of("--identity", credential));
  }

  /** Mounts with the state and the cache that the hardware has. */
  void mount(Wire from) throws IOException, InterruptedException {
    wire = from;
    List<String> all = new ArrayList<>(options);
    String own = node + "-" + hardware;
    all.addAll(List.of("--state", user.newDirectory("state-" + own).toString()));
    all.addAll(List.of("--cache", user.newDirectory("cache-" + own).toString()));
    // What others have read is not to be fetched ahead.
    all.addAll(List.of("--boot-window", "0"));
    daemon = Sandbox.daemon(user.mountAt(from, root, node, all.toArray(String[]::new)));
  }

  /** Mounts as other hardware does, which has nothing of what this one knows. */
  void mountElsewhere() throws IOException, InterruptedException {
    hardware++;
    mount(wire);
  }

  void umount() throws IOException, InterruptedException {
    user.umount(root).ok();
  }

  /** The power goes: nobody is told, and the kernel that would answer in its place is gone too. */
  void losePower() throws Exception {
    wire.begin(Wire.Fault.PULLED);
    daemon.destroyForcibly();
    daemon.onExit().get(END_SECONDS, TimeUnit.SECONDS);
    Sandbox.shell("umount -l \"$1\"", root);
  }

  String log() throws IOException {
    return Files.readString(Path.of(user.log(node)));
  }

  /** Waits until the log says so. */
  void awaitLog(String text) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(END_SECONDS);
    while (!log().contains(text)) {
      assertTrue(System.nanoTime() < deadline, () -> "not in the log: " + text);
      Thread.sleep(LOOK_MILLIS);
    }
  }

  // ---- programs ----

  /** A program on the mount. */
  record Program(String commands, Path said, Process process) {
    void assertWaits() {
      assertTrue(process.isAlive(), this::told);
    }

    void assertSucceeds() throws InterruptedException {
      assertEquals(0, exitCode(), this::told);
    }

    void assertFailsWithIoError() throws InterruptedException {
      assertFalse(exitCode() == 0, this::told);
      assertTrue(told().contains("Input/output error"), this::told);
    }

    /** Kills it; it must not hang in the mount. */
    void kill() throws InterruptedException {
      process.destroyForcibly();
      exitCode();
    }

    int exitCode() throws InterruptedException {
      assertTrue(process.waitFor(END_SECONDS, TimeUnit.SECONDS), () -> "hangs: " + commands);
      return process.exitValue();
    }

    private String told() {
      try {
        return "$ " + commands + "\n" + Files.readString(said);
      } catch (IOException e) {
        return "$ " + commands + "\n" + e;
      }
    }
  }

  /** Starts a shell's commands in the mounted root, with words as their arguments from $1 on. */
  Program start(String commands, Object... words) throws IOException {
    List<String> line = new ArrayList<>(List.of("sh", "-ec", "cd \"$0\"; " + commands));
    line.add(root.toString());
    for (Object word : words) {
      line.add(word.toString());
    }
    Path said = Files.createTempFile(user.path("tmp"), "said", "");
    return new Program(
        commands,
        said,
        new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(said.toFile()).start());
  }

  /** Runs commands that must succeed. */
  void run(String commands, Object... words) throws IOException, InterruptedException {
    start(commands, words).assertSucceeds();
  }

  /** No program that works on the mount, its daemon included, stays in uninterruptible sleep. */
  void assertNobodyIsStuck() throws InterruptedException {
    Set<String> stuck = sleepers();
    for (int look = 0; look < LOOKS && !stuck.isEmpty(); look++) {
      Thread.sleep(LOOK_MILLIS);
      stuck.retainAll(sleepers());
    }
    assertEquals(Set.of(), stuck, "in state D");
  }

  private Set<String> sleepers() {
    Set<String> sleepers = new TreeSet<>();
    List<ProcessHandle> processes =
        ProcessHandle.allProcesses()
            .filter(each -> each.info().commandLine().orElse("").contains(root.toString()))
            .toList();
    for (ProcessHandle process : processes) {
      try (Stream<Path> threads = Files.list(Path.of("/proc/" + process.pid() + "/task"))) {
        for (Path thread : threads.toList()) {
          String status = Files.readString(thread.resolve("stat"));
          int name = status.lastIndexOf(')');
          if (status.startsWith(") D", name)) {
            sleepers.add(thread + " " + status.substring(0, name + 1));
          }
        }
      } catch (IOException | UncheckedIOException e) {
        // It has ended, so it is not stuck.
        continue;
      }
    }
    return sleepers;
  }
}
