package io.mapfs.cli.mount;

import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.ConnectionOptions;
import io.mapfs.cli.base.IdentityOptions;
import io.mapfs.cli.base.LocalDirectories;
import io.mapfs.cli.base.SizeConverter;
import io.mapfs.client.ClientSecurity;
import io.mapfs.core.wire.FailureCode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What {@code mount} takes for the daemon. */
final class DaemonOptions {
  /** When fsync returns. */
  enum Durability {
    /** When the appliance has it. */
    strict,
    /** When this machine's disk has it. */
    local
  }

  /** What reads and fsyncs do while the appliance cannot be reached. */
  enum OnLoss {
    /** They wait, up to the limit. */
    wait,
    /** They fail. */
    fail
  }

  @Mixin private ConnectionOptions connection;

  @Mixin private IdentityOptions identity;

  @Option(
      names = "--front-end",
      paramLabel = "NAME",
      defaultValue = "auto",
      description =
          "How to talk to the kernel: direct, jnr (libfuse 2), or auto, the best that works here"
              + " (default: ${DEFAULT-VALUE}).")
  private String frontEnd;

  @Option(
      names = "--cache",
      paramLabel = "DIR",
      description = "Where blocks and trees are cached (default: /var/cache/mapfs).")
  private Path cache;

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description =
          "Where changes wait until the appliance has them (default: /var/lib/mapfs/nodes).")
  private Path state;

  @Option(
      names = "--log",
      paramLabel = "FILE",
      description =
          "Log file, at most 40 MiB with its older parts (default: /var/log/mapfs/NODE.log).")
  private Path log;

  @Option(
      names = "--cache-size",
      paramLabel = "SIZE",
      converter = SizeConverter.class,
      description = "Size of the block cache (default: as the node's record says, else 4 GiB).")
  private Long cacheBytes;

  @Option(
      names = "--loss-limit",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description =
          "How long reads and fsyncs wait for an appliance that cannot be reached before they fail"
              + " (default: ${DEFAULT-VALUE}).")
  private int lossLimitSeconds;

  @Option(
      names = "--boot-window",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description =
          "How long after the mount a boot may take: what is read then is fetched ahead, in that"
              + " order, when a node of this master is mounted next (default: ${DEFAULT-VALUE};"
              + " 0: neither recorded nor fetched ahead).")
  private int bootWindowSeconds;

  @Option(
      names = "--on-loss",
      paramLabel = "WHAT",
      defaultValue = "wait",
      description =
          "What reads of what is not cached and fsyncs do while the appliance is known to be out of"
              + " reach: wait, as long as the loss limit, or fail (default: ${DEFAULT-VALUE}).")
  private OnLoss onLoss;

  @Option(
      names = {"-r", "--read-only"},
      description = "Refuse every change.")
  private boolean readOnly;

  @Option(
      names = "--idle-polling",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description =
          "Let idle processors poll while programs work on the mount; --no-idle-polling saves power"
              + " and costs time (default: ${DEFAULT-VALUE}).")
  private boolean idlePolling;

  @Option(
      names = "--durability",
      paramLabel = "WHEN",
      defaultValue = "strict",
      description =
          "When fsync returns: strict, when the appliance has it; local, when this machine's disk"
              + " has it (default: ${DEFAULT-VALUE}).")
  private Durability durability;

  @Option(
      names = {"-f", "--force"},
      description = "Take the node over although it seems to be mounted elsewhere.")
  private boolean force;

  ConnectionOptions connection() {
    return connection;
  }

  /** What the daemon proves that it is this node with, if it has to. */
  ClientSecurity security(String node) throws CommandFailure {
    return connection.security(identity.existing(node));
  }

  String frontEnd() {
    return frontEnd;
  }

  Path cache() {
    return LocalDirectories.cache(cache);
  }

  Path state() {
    return LocalDirectories.state(state);
  }

  Path log(String node) {
    return log != null ? log.toAbsolutePath() : LocalDirectories.logs().resolve(node + ".log");
  }

  boolean hasLog() {
    return log != null;
  }

  Optional<Long> cacheBytes() {
    return Optional.ofNullable(cacheBytes);
  }

  Duration lossLimit() {
    return Duration.ofSeconds(lossLimitSeconds);
  }

  Duration bootWindow() {
    return Duration.ofSeconds(Math.max(0, bootWindowSeconds));
  }

  boolean failsOnLoss() {
    return onLoss == OnLoss.fail;
  }

  boolean readOnly() {
    return readOnly;
  }

  boolean idlePolling() {
    return idlePolling;
  }

  Durability durability() {
    return durability;
  }

  boolean force() {
    return force;
  }

  /** Refuses what would lie on the filesystem that the daemon serves. */
  void checkOutside(Path mountPoint, String node) throws CommandFailure {
    for (Path own : List.of(cache(), state(), log(node))) {
      if (own.normalize().startsWith(mountPoint)) {
        throw new CommandFailure(
            FailureCode.INVALID,
            own
                + " lies below the mount point; choose another place with --cache, --state or --log");
      }
    }
  }
}
