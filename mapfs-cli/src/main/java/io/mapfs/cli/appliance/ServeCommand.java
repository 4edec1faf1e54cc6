package io.mapfs.cli.appliance;

import io.mapfs.cli.base.Release;
import io.mapfs.cli.log.LogFile;
import io.mapfs.client.Endpoint;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.server.control.Appliance;
import io.mapfs.server.net.BlockServer;
import io.mapfs.server.net.ServerConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code mapfs appliance serve}. */
@Command(
    name = "serve",
    header = "Serve a store until told to end (Ctrl-C, SIGTERM).",
    description = "Prints one line once it listens: the address stands in it, for --listen HOST:0.",
    footer = {
      "",
      "Examples:",
      "  mapfs appliance serve --store /srv/mapfs --listen 10.1.2.3:7400 &",
      "  mapfs appliance serve --store /srv/mapfs --listen 127.0.0.1:7400 --insecure &"
    })
final class ServeCommand implements Callable<Integer> {
  /** Longest time that a signal waits until the store is closed. */
  private static final long STOP_SECONDS = 30;

  private static final String ANY_PORT = ":0";

  @Option(
      names = {"-s", "--store"},
      required = true,
      paramLabel = "DIR",
      description = "The store, made by 'mapfs appliance init'.")
  private Path store;

  @Option(
      names = {"-l", "--listen"},
      paramLabel = "HOST[:PORT]",
      defaultValue = "127.0.0.1:7400",
      description = "Where to listen; port 0 for any that is free (default: ${DEFAULT-VALUE}).")
  private String listen;

  @Option(
      names = "--insecure",
      description =
          "Speak plain TCP, without TLS and without asking who it is: on a loopback address"
              + " alone.")
  private boolean insecure;

  @Option(
      names = "--log",
      paramLabel = "FILE",
      description =
          "Log file, at most 40 MiB with its older parts; - for standard error (default: STORE/appliance.log).")
  private String log;

  @Spec private CommandSpec command;

  @Override
  public Integer call() throws ApplianceException, IOException, InterruptedException {
    boolean anyPort = listen.endsWith(ANY_PORT);
    Endpoint endpoint =
        Endpoint.parse(anyPort ? listen.substring(0, listen.length() - ANY_PORT.length()) : listen);
    CountDownLatch stop = new CountDownLatch(1);
    CountDownLatch stopped = new CountDownLatch(1);
    try (Appliance appliance = open()) {
      ServerConfig config =
          ServerConfig.listen(endpoint.host(), anyPort ? 0 : endpoint.port(), Release.name())
              .withCredential(insecure ? null : appliance.credential());
      try (BlockServer server = BlockServer.start(config, appliance)) {
        Runtime.getRuntime().addShutdownHook(stopOnSignal(stop, stopped));
        PrintWriter out = command.commandLine().getOut();
        out.printf(
            "Serving %s at %s%n", store, new Endpoint(endpoint.host(), server.address().getPort()));
        out.flush();
        stop.await();
      }
    } finally {
      stopped.countDown();
    }
    return 0;
  }

  /** Logs into the store, if it is one: nothing is put into a directory that is something else. */
  private Appliance open() throws ApplianceException, IOException {
    Path root = store.toAbsolutePath();
    if (log != null) {
      LogFile.use(log);
    } else if (Files.exists(root.resolve("FORMAT"))) {
      LogFile.use(root.resolve("appliance.log").toString());
    }
    return Appliance.open(root, Clock.systemUTC(), Release.name());
  }

  private static Thread stopOnSignal(CountDownLatch stop, CountDownLatch stopped) {
    return new Thread(
        () -> {
          stop.countDown();
          try {
            if (!stopped.await(STOP_SECONDS, TimeUnit.SECONDS)) {
              System.err.println(
                  "mapfs: ended before the store was closed; nothing durable is lost");
            }
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        },
        "mapfs-stop");
  }
}
