package io.mapfs.cli.mount;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.Failures;
import io.mapfs.cli.base.Release;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.node.MountReport;
import io.mapfs.node.NodeConfig;
import io.mapfs.node.NodeDaemon;
import io.mapfs.node.NodePaths;
import io.mapfs.node.control.RunDirectory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.slf4j.LoggerFactory;

/** Runs the daemon in this process. */
final class DaemonRun {
  private DaemonRun() {}

  /** For {@code mount --foreground}: says on standard error when the mount answers. */
  static int inForeground(String node, Path mountPoint, DaemonOptions options)
      throws ApplianceException, CommandFailure, InterruptedException {
    run(
        node,
        mountPoint,
        options,
        report ->
            System.err.printf(
                "Mounted %s at %s (front end %s); Ctrl-C unmounts.%n",
                node, mountPoint, report.frontEnd()));
    return 0;
  }

  /**
   * For a command that becomes a daemon ({@link Background}).
   *
   * @param mounted told when the mount answers: {@code node, mountPoint, frontEnd, log, pid, ...}
   * @return the exit code of a daemon, which logs what is wrong at its end
   */
  static int inBackground(
      String node, Path mountPoint, DaemonOptions options, Consumer<JsonObject> mounted)
      throws ApplianceException, CommandFailure, InterruptedException {
    Path log = options.log(node);
    try {
      run(
          node,
          mountPoint,
          options,
          report -> {
            mounted.accept(json(report, log));
            goOn(Path.of(log + ".err"));
          });
      return 0;
    } catch (ApplianceException | CommandFailure | RuntimeException e) {
      LoggerFactory.getLogger(DaemonRun.class).error("{}", Failures.line(e), e);
      if (Background.isAwaited()) {
        throw e;
      }
      return Failures.code(e).exitCode();
    }
  }

  private static void goOn(Path errors) {
    try {
      Background.goOn(errors);
    } catch (FsException e) {
      throw new UncheckedIOException(
          new IOException("cannot go on in the background: " + e.getMessage(), e));
    }
  }

  private static void run(
      String node, Path mountPoint, DaemonOptions options, Consumer<MountReport> ready)
      throws ApplianceException, CommandFailure, InterruptedException {
    NodeDaemon.run(
        new NodeConfig(
            node,
            options.connection().endpoint(),
            options.security(node),
            mountPoint,
            options.frontEnd(),
            new NodePaths(options.state(), options.cache()),
            RunDirectory.ofEnvironment(),
            options.cacheBytes(),
            options.durability() == DaemonOptions.Durability.local,
            options.readOnly(),
            options.idlePolling(),
            options.force(),
            options.lossLimit(),
            options.bootWindow(),
            options.failsOnLoss(),
            Release.name()),
        ready);
  }

  private static JsonObject json(MountReport report, Path log) {
    JsonObject json = new JsonObject();
    json.addProperty("node", report.node());
    json.addProperty("mountPoint", report.mountPoint().toString());
    json.addProperty("frontEnd", report.frontEnd());
    json.addProperty("protocol", report.protocol());
    json.addProperty("master", report.master());
    json.addProperty("version", report.version());
    json.addProperty("epoch", report.epoch());
    json.addProperty("headLoaded", report.headLoaded());
    json.addProperty("resentRecords", report.resentRecords());
    json.addProperty("lateRecords", report.lateRecords());
    json.addProperty("log", log.toString());
    json.addProperty("pid", ProcessHandle.current().pid());
    return json;
  }
}
