package io.mapfs.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;

/** A running {@link MountDaemon} and its mount point. */
public final class TestMount implements AutoCloseable {
  private final Path mountPoint;
  private final Process process;
  private final BufferedReader answers;
  private final List<String> log = new ArrayList<>();
  private final String greeting;

  private TestMount(Path mountPoint, Process process, BufferedReader answers) throws IOException {
    this.mountPoint = mountPoint;
    this.process = process;
    this.answers = answers;
    greeting = line(answers, log);
  }

  /** Skips the test where FUSE cannot work; with CI=true it goes on, and fails there. */
  public static void assumePossible() {
    boolean ci = "true".equals(System.getenv("CI"));
    Assumptions.assumeTrue(
        ci
            || (Files.isWritable(Path.of("/dev/fuse"))
                && "root".equals(System.getProperty("user.name"))),
        "needs root and /dev/fuse");
  }

  /** Mounts at a new directory. */
  public static TestMount start(String frontEnd, String... more) throws IOException {
    return startAt(Files.createTempDirectory("mapfs-test"), frontEnd, more);
  }

  /** Mounts at a given directory. */
  public static TestMount startAt(Path mountPoint, String frontEnd, String... more)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-Djnr.ffi.x86asm.enabled=false",
                "-cp",
                System.getProperty("java.class.path"),
                MountDaemon.class.getName(),
                frontEnd,
                mountPoint.toString()));
    command.addAll(Arrays.asList(more));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    BufferedReader answers =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    return new TestMount(mountPoint, process, answers);
  }

  /** The next line that is an answer: what a logger prints in between goes to the log. */
  private static String line(BufferedReader answers, List<String> log) throws IOException {
    for (String line = answers.readLine(); line != null; line = answers.readLine()) {
      if (line.startsWith("ready ") || line.startsWith("ok") || line.startsWith("failed ")) {
        return line;
      }
      log.add(line);
    }
    return "ended";
  }

  /** What the daemon has logged up to its last answer. */
  public List<String> log() {
    return log;
  }

  /** What the daemon said first: {@code ready …} or {@code failed …}. */
  public String greeting() {
    return greeting;
  }

  public Path path() {
    return mountPoint;
  }

  public long pid() {
    return process.pid();
  }

  /** The daemon's answer to a command, without its "ok". */
  public String ask(String command) throws IOException {
    String answer = tell(command);
    assertTrue(answer.startsWith("ok"), command + ": " + answer);
    return answer.substring(2).trim();
  }

  /** The daemon's answer to a command, {@code ok …} or {@code failed …}. */
  public String tell(String command) throws IOException {
    process.getOutputStream().write((command + '\n').getBytes(StandardCharsets.UTF_8));
    process.getOutputStream().flush();
    return line(answers, log);
  }

  /** Runs a script in the mount's root: what it printed, trimmed. It must succeed. */
  public String sh(String script) throws IOException, InterruptedException {
    return shIn(mountPoint, script);
  }

  /** Runs a script in a directory: what it printed, trimmed. It must succeed. */
  public static String shIn(Path directory, String script)
      throws IOException, InterruptedException {
    Process shell =
        new ProcessBuilder("bash", "-c", "set -e; cd \"$0\"; " + script, directory.toString())
            .redirectErrorStream(true)
            .start();
    shell.getOutputStream().close();
    String output = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(shell.waitFor(60, TimeUnit.SECONDS), script + " hangs");
    assertEquals(0, shell.exitValue(), script + " said: " + output);
    return output.trim();
  }

  /** kill -9. */
  public void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Has the daemon unmount and end; what is left after a kill is unmounted too. */
  @Override
  public void close() throws IOException {
    try {
      process.getOutputStream().close();
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
      new ProcessBuilder("umount", "-l", mountPoint.toString())
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
      Files.deleteIfExists(mountPoint);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
