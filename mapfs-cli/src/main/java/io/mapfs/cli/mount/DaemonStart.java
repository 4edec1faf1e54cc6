package io.mapfs.cli.mount;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.core.wire.FailureCode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Has a daemon mount in the background and waits for its report.
 *
 * <p>The daemon's standard input is a pipe from this process, over which it gets its command line
 * ({@link AwaitingDaemon}); its standard output is one to it, on which it writes one line of JSON:
 * that it is ready, or why not. It closes both then, and its standard error is a file beside the
 * log, so that it keeps neither the user's terminal nor a pipeline's descriptors.
 */
final class DaemonStart {
  /** Most bytes read of what a daemon that died without a report had to say. */
  private static final int MAX_LAST_WORDS_BYTES = 4096;

  private DaemonStart() {}

  /**
   * The daemon's report: {@code node, mountPoint, frontEnd, log, pid}.
   *
   * @throws CommandFailure the daemon's own failure; UNAVAILABLE if it is not ready in time, and it
   *     is told to end
   */
  static JsonObject inBackground(
      String node, Path mountPoint, DaemonOptions options, Duration timeout)
      throws CommandFailure, IOException, InterruptedException {
    Path log = options.log(node);
    Files.createDirectories(log.toAbsolutePath().getParent());
    Path errors = Path.of(log + ".err");
    List<String> command = new ArrayList<>();
    command.addAll(List.of(errors.toString(), "node-daemon", node, mountPoint.toString()));
    command.addAll(options.arguments(node));
    Process daemon = DaemonProcess.take();
    // Ctrl-C while waiting: a daemon that is not wanted any more must not stay.
    Thread cancel = new Thread(daemon::destroy, "mapfs-mount-cancel");
    Runtime.getRuntime().addShutdownHook(cancel);
    try {
      DaemonArguments.write(daemon.getOutputStream(), command);
      JsonObject report = report(daemon, timeout, errors);
      if (report.has("code")) {
        daemon.waitFor();
        throw MountCommand.failure(report);
      }
      return report;
    } finally {
      Runtime.getRuntime().removeShutdownHook(cancel);
    }
  }

  private static JsonObject report(Process daemon, Duration timeout, Path errors)
      throws CommandFailure, IOException, InterruptedException {
    CompletableFuture<String> line = new CompletableFuture<>();
    Thread reader =
        new Thread(
            () -> {
              try (BufferedReader out =
                  new BufferedReader(
                      new InputStreamReader(daemon.getInputStream(), StandardCharsets.UTF_8))) {
                line.complete(out.readLine());
              } catch (IOException e) {
                line.completeExceptionally(e);
              }
            },
            "mapfs-mount-report");
    reader.setDaemon(true);
    reader.start();
    String text;
    try {
      text = line.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      daemon.destroy();
      throw new CommandFailure(
          FailureCode.UNAVAILABLE,
          "the mount did not answer within "
              + timeout.toSeconds()
              + " seconds and was given up; see "
              + errors.toString().replaceFirst("\\.err$", "")
              + " or wait longer with --timeout",
          e);
    } catch (ExecutionException e) {
      throw new IOException("the daemon's report cannot be read: " + e.getCause(), e);
    }
    if (text == null) {
      int exit = daemon.waitFor();
      throw new CommandFailure(
          FailureCode.INTERNAL,
          "the daemon ended with code "
              + exit
              + " before the mount answered: "
              + lastWords(errors));
    }
    try {
      return JsonParser.parseString(text).getAsJsonObject();
    } catch (JsonParseException | IllegalStateException e) {
      throw new CommandFailure(
          FailureCode.INTERNAL, "the daemon answered '" + text + "'; see " + errors, e);
    }
  }

  private static String lastWords(Path errors) throws IOException {
    byte[] said = Files.readAllBytes(errors);
    int from = Math.max(0, said.length - MAX_LAST_WORDS_BYTES);
    String words = new String(said, from, said.length - from, StandardCharsets.UTF_8).strip();
    return words.isEmpty() ? "it said nothing; its log may" : words;
  }
}
