package io.mapfs.cli.mount;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.OutputOptions;
import io.mapfs.cli.log.LogFile;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.node.control.DaemonClient;
import io.mapfs.node.control.RunDirectory;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs mount}. */
@Command(
    name = "mount",
    header = "Mount a node's root.",
    description = "Returns once the mount answers; a daemon goes on serving it in the background.",
    footer = {
      "",
      "Examples:",
      "  mapfs mount web01 /mnt/web01",
      "  mapfs mount web01 /mnt/web01 --front-end jnr --cache /var/tmp/cache",
      "Next: mapfs umount /mnt/web01"
    })
public class MountCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Parameters(index = "1", paramLabel = "DIR", description = "An empty directory.")
  private Path directory;

  @Mixin private DaemonOptions options;
  @Mixin private OutputOptions output;

  @Option(
      names = "--foreground",
      description = "Stay, log to standard error unless --log is given, and unmount at Ctrl-C.")
  private boolean foreground;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "120",
      description = "Longest time to wait for the mount to answer (default: ${DEFAULT-VALUE}).")
  private int timeoutSeconds;

  @Option(
      names = "--renew-identity",
      description =
          "Give the root a new identity: machine-id, SSH host keys, random seed"
              + " (default: it keeps the one that it has).")
  private boolean renewIdentity;

  @Override
  public final Integer call() throws Exception {
    if (renewIdentity && (foreground || options.readOnly())) {
      throw new CommandFailure(
          FailureCode.INVALID, "--renew-identity goes with neither --foreground nor --read-only");
    }
    Path mountPoint = MountPoint.check(directory);
    options.checkOutside(mountPoint, node);
    LogFile.use(
        foreground && !options.hasLog() ? LogFile.STANDARD_ERROR : options.log(node).toString());
    if (!foreground) {
      requireLauncher();
      Background.endWithLauncher();
      giveUpLater();
    }
    refuseSecondMount();
    prepare(node, options);
    return foreground
        ? DaemonRun.inForeground(node, mountPoint, options)
        : DaemonRun.inBackground(node, mountPoint, options, this::mounted);
  }

  private static void requireLauncher() throws CommandFailure {
    if (!Background.isAwaited()) {
      throw new CommandFailure(
          FailureCode.INTERNAL,
          "not started by the launcher: run bin/mapfs of the distribution, or give --foreground");
    }
  }

  /** The mount answers: says so, once all is done that the user asked for. */
  private void mounted(JsonObject report) {
    if (renewIdentity) {
      renewIdentity(report);
    }
    output.print(
        report,
        out -> {
          out.printf(
              "Mounted %s at %s (front end %s), log: %s%n",
              node,
              mountPoint(report),
              Fields.text(report, "frontEnd"),
              Fields.text(report, "log"));
          for (String file : Fields.texts(report, "renewed")) {
            out.printf("Renewed /%s%n", file);
          }
          if (Fields.number(report, "lateRecords") > 0) {
            out.printf(
                "Changes of an earlier mount came too late and are kept aside: mapfs node tail list"
                    + " %s%n",
                node);
          }
        });
  }

  private static void renewIdentity(JsonObject report) {
    try {
      report.add("renewed", Fields.array(IdentityFiles.renew(mountPoint(report))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UncheckedIOException(
          new InterruptedIOException("interrupted while the identity was renewed"));
    }
  }

  private static Path mountPoint(JsonObject report) {
    return Path.of(Fields.text(report, "mountPoint"));
  }

  /** Ends the process if the mount has not answered in time. */
  private void giveUpLater() {
    Thread timer =
        new Thread(
            () -> {
              try {
                TimeUnit.SECONDS.sleep(timeoutSeconds);
                giveUp();
              } catch (InterruptedException | FsException e) {
                Thread.currentThread().interrupt();
              }
            },
            "mapfs-mount-timeout");
    timer.setDaemon(true);
    timer.start();
  }

  private void giveUp() throws FsException {
    if (Background.isAwaited()) {
      System.err.println(
          "mapfs: the mount did not answer within "
              + timeoutSeconds
              + " seconds and was given up; see "
              + options.log(node)
              + " or wait longer with --timeout");
      int exitCode = FailureCode.UNAVAILABLE.exitCode();
      if (Background.answer(exitCode)) {
        System.exit(exitCode);
      }
    }
  }

  /** What is to be done before the daemon is started. */
  void prepare(String nodeName, DaemonOptions daemon) throws ApplianceException, CommandFailure {}

  /** One node's daemon at a time on one machine: both would want the same local state. */
  private void refuseSecondMount() throws CommandFailure {
    JsonObject running;
    try {
      running =
          DaemonClient.ask(RunDirectory.ofEnvironment().socket(node), "status", new JsonObject());
    } catch (ApplianceException e) {
      return;
    }
    throw new CommandFailure(
        FailureCode.CONFLICT,
        node
            + " is mounted already at "
            + Fields.text(running, "mountPoint")
            + "; unmount it first: mapfs umount "
            + Fields.text(running, "mountPoint"));
  }
}
