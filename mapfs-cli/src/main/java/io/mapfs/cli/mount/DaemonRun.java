package io.mapfs.cli.mount;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.Failures;
import io.mapfs.cli.base.Release;
import io.mapfs.cli.log.LogFile;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.node.MountReport;
import io.mapfs.node.NodeConfig;
import io.mapfs.node.NodeDaemon;
import io.mapfs.node.NodePaths;
import io.mapfs.node.control.RunDirectory;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs the daemon in this process. */
final class DaemonRun {
  private DaemonRun() {}

  /** For {@code mount --foreground}: says on standard error when the mount answers. */
  static int inForeground(String node, Path mountPoint, DaemonOptions options)
      throws ApplianceException, CommandFailure, IOException, InterruptedException {
    LogFile.use(options.hasLog() ? options.log(node).toString() : LogFile.STANDARD_ERROR);
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
   * For the background: tells the starter over standard output, as {@link DaemonStart} reads it.
   */
  static int inBackground(String node, Path mountPoint, DaemonOptions options)
      throws InterruptedException {
    PrintStream starter = System.out;
    Path log = options.log(node);
    try {
      LogFile.use(log.toString());
      run(
          node,
          mountPoint,
          options,
          report -> {
            tell(starter, ready(report, log));
            starter.close();
          });
      return 0;
    } catch (ApplianceException | CommandFailure | IOException | RuntimeException e) {
      // For the log of a mount that had answered; before that, the starter prints it.
      Logger logger = LoggerFactory.getLogger(DaemonRun.class);
      logger.error("{}", Failures.line(e), e);
      JsonObject failure = new JsonObject();
      failure.addProperty("code", Failures.code(e).number());
      failure.addProperty("message", Failures.line(e));
      tell(starter, failure);
      return Failures.code(e).exitCode();
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

  private static JsonObject ready(MountReport report, Path log) {
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

  private static void tell(PrintStream starter, JsonObject line) {
    starter.println(line);
    starter.flush();
  }
}
