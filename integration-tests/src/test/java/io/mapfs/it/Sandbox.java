package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A user of the packaged command with directories, sockets and an appliance of their own. Closing
 * it leaves nothing mounted and no process.
 */
public final class Sandbox implements AutoCloseable {
  private static final long COMMAND_SECONDS = 180;
  private static final String SERVING = " at ";

  private final Path launcher;
  private final Path directory;
  private final Map<String, String> environment = new HashMap<>();
  private Process appliance;
  private boolean secure;

  /** The words before a command that make it run in the appliance's network. */
  private List<String> inNetwork = List.of();

  public Sandbox() throws IOException {
    launcher = Requirements.launcher();
    directory = Files.createTempDirectory("mapfs-it").toRealPath();
    for (String own : List.of("run", "state", "cache")) {
      environment.put("MAPFS_" + own.toUpperCase(Locale.ROOT), path(own).toString());
    }
    environment.put("MAPFS_CONFIG", Files.createFile(path("mapfs.conf")).toString());
    environment.put("TMPDIR", Files.createDirectory(path("tmp")).toString());
  }

  /** A path below the sandbox's own directory. */
  public Path path(String name) {
    return directory.resolve(name);
  }

  public Path newDirectory(String name) throws IOException {
    return Files.createDirectories(path(name));
  }

  /** An ext4 of its own, whatever the machine's disks have. */
  public Path newDisk(String name) throws IOException, InterruptedException {
    Path mountPoint = newDirectory(name);
    shell(
        "truncate -s 2G \"$1.img\"; mkfs.ext4 -q \"$1.img\"; mount -o loop \"$1.img\" \"$1\"",
        mountPoint);
    return mountPoint;
  }

  /** The appliance will be served in that network, and commands run there. */
  Sandbox within(Network network) {
    inNetwork = network.enter();
    environment.put("MAPFS_APPLIANCE", Network.APPLIANCE + ":0");
    environment.put("MAPFS_TEST_NETWORK", "plain");
    return this;
  }

  /** Makes a store and serves it. */
  public Sandbox withAppliance() throws IOException, InterruptedException {
    run("appliance", "init", "--store", path("store").toString()).ok();
    serve();
    return this;
  }

  /** Makes a store and serves it with TLS; commands are its first administrator's. */
  Sandbox withSecureAppliance() throws IOException, InterruptedException {
    secure = true;
    environment.put("MAPFS_IDENTITY", path("identity.pem").toString());
    environment.put(
        "MAPFS_CREDENTIAL",
        run("appliance", "init", "--store", path("store").toString(), "--output", "json")
            .ok()
            .json()
            .get("credential")
            .getAsString());
    serve();
    return this;
  }

  /** Serves the store on a free port, or on the one that it had before. */
  void serve() throws IOException, InterruptedException {
    String listen = environment.getOrDefault("MAPFS_APPLIANCE", "127.0.0.1:0");
    List<String> arguments =
        new ArrayList<>(
            List.of("appliance", "serve", "--store", path("store").toString(), "--listen", listen));
    if (!secure) {
      arguments.add("--insecure");
    }
    appliance = start(inNetwork, Path.of("/dev/null"), path("serve.err"), arguments);
    BufferedReader out =
        new BufferedReader(
            new InputStreamReader(appliance.getInputStream(), StandardCharsets.UTF_8));
    String line = out.readLine();
    if (line == null) {
      fail("the appliance did not start: " + Files.readString(path("serve.err")));
    }
    environment.put(
        "MAPFS_APPLIANCE", line.substring(line.lastIndexOf(SERVING) + SERVING.length()));
  }

  /** Adds a node of {@link SmallTree}. */
  Sandbox withNode(String node) throws IOException, InterruptedException {
    importSmallTree();
    run("node", "add", node, "--master", "debian").ok();
    return this;
  }

  /** Imports {@link SmallTree} as master debian. */
  Path importSmallTree() throws IOException, InterruptedException {
    Path rootfs = SmallTree.make(newDirectory("rootfs"));
    run("repo", "import", "debian", rootfs.toString()).ok();
    return rootfs;
  }

  /** Ends the appliance and waits until its store is closed. */
  void stopAppliance() throws InterruptedException {
    appliance.destroy();
    assertTrue(appliance.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS), "the appliance does not end");
    appliance = null;
  }

  /** Kills the appliance, as a power cut does. */
  void killAppliance() throws InterruptedException {
    appliance.destroyForcibly();
    assertTrue(appliance.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS), "the appliance does not die");
    appliance = null;
  }

  ProcessHandle appliance() {
    return appliance.toHandle();
  }

  public String address() {
    return environment.get("MAPFS_APPLIANCE");
  }

  /** Runs the command and waits for its end. */
  public Run run(String... arguments) throws IOException, InterruptedException {
    return run(inNetwork, Path.of("/dev/null"), List.of(arguments));
  }

  /** Runs the command with a file as its standard input. */
  Run run(Path input, String... arguments) throws IOException, InterruptedException {
    return run(inNetwork, input, List.of(arguments));
  }

  /** Runs the command through another, which gets its words as arguments. */
  Run runThrough(List<String> words, String... arguments) throws IOException, InterruptedException {
    return run(words, Path.of("/dev/null"), List.of(arguments));
  }

  /** Starts the command; what it has to say goes nowhere. */
  Process start(String... arguments) throws IOException {
    return start(inNetwork, Path.of("/dev/null"), path("started.err"), List.of(arguments));
  }

  private Run run(List<String> enter, Path input, List<String> arguments)
      throws IOException, InterruptedException {
    Path errors = Files.createTempFile(directory, "err", "");
    Process process = start(enter, input, errors, arguments);
    CompletableFuture<byte[]> out =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return process.getInputStream().readAllBytes();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    String command = "mapfs " + String.join(" ", arguments);
    if (!process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      fail(command + " did not end within " + COMMAND_SECONDS + " seconds");
    }
    return new Run(
        command,
        process.exitValue(),
        new String(out.join(), StandardCharsets.UTF_8),
        Files.readString(errors));
  }

  private Process start(List<String> enter, Path input, Path errors, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>(enter);
    command.add(launcher.toString());
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    return builder.redirectInput(input.toFile()).redirectError(errors.toFile()).start();
  }

  /** Mounts a node at a directory of this name. */
  public Path mount(String node, String... options) throws IOException, InterruptedException {
    Path mountPoint = newDirectory("mnt-" + node);
    mountAt(mountPoint, node, options);
    return mountPoint;
  }

  /** Mounts a node at a directory that is there; returns the command's report. */
  JsonObject mountAt(Path mountPoint, String node, String... options)
      throws IOException, InterruptedException {
    return mountAt(inNetwork, mountPoint, node, options);
  }

  /** Mounts a node in another network than the appliance's. */
  JsonObject mountAt(Wire wire, Path mountPoint, String node, String... options)
      throws IOException, InterruptedException {
    return mountAt(wire.enter(), mountPoint, node, options);
  }

  private JsonObject mountAt(List<String> enter, Path mountPoint, String node, String... options)
      throws IOException, InterruptedException {
    List<String> arguments =
        new ArrayList<>(
            List.of("mount", node, mountPoint.toString(), "--log", log(node), "--output", "json"));
    arguments.addAll(Arrays.asList(options));
    return run(enter, Path.of("/dev/null"), arguments).ok().json();
  }

  /** The daemon that a mount's report tells of. */
  static ProcessHandle daemon(JsonObject report) {
    return ProcessHandle.of(report.get("pid").getAsLong()).orElseThrow();
  }

  String log(String node) {
    return path(node + ".log").toString();
  }

  public Run umount(Path mountPoint) throws IOException, InterruptedException {
    return run("umount", mountPoint.toString());
  }

  /**
   * Runs a shell's command that is no part of MapFS, with words as its arguments; it must succeed.
   *
   * @return what it said, without white space at either end
   */
  public static String shell(String command, Object... words)
      throws IOException, InterruptedException {
    List<String> line = new ArrayList<>(List.of("sh", "-ec", command, "sh"));
    for (Object word : words) {
      line.add(word.toString());
    }
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), () -> said.strip() + "\n$ " + command);
    return said.strip();
  }

  /** What is mounted below this sandbox, the deepest first. */
  private List<String> mounts() throws IOException {
    List<String> mounts = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
      String mountPoint = line.split(" ")[4];
      if (mountPoint.startsWith(directory + "/")) {
        mounts.add(mountPoint);
      }
    }
    Collections.reverse(mounts);
    return mounts;
  }

  @Override
  public void close() throws IOException, InterruptedException {
    for (String mountPoint : mounts()) {
      if (run("umount", "--force", mountPoint).exitCode() != 0) {
        shell("umount -l \"$1\" || true", mountPoint);
      }
    }
    if (appliance != null) {
      stopAppliance();
    }
    ProcessHandle.allProcesses()
        .filter(process -> process.info().commandLine().orElse("").contains(directory + "/"))
        .forEach(ProcessHandle::destroyForcibly);
    assertEquals(List.of(), mounts(), "left mounted");
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
