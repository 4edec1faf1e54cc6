package io.mapfs.node;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.overlay.OverlayFileSystem;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.fuse.MountedFileSystem;
import io.mapfs.node.cache.BlockCache;
import io.mapfs.node.control.ControlServer;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * What this machine's command can ask of the daemon: {@code status}, {@code sync}, {@code umount}.
 */
final class LocalControl implements Closeable {
  /** How long umount(8) may take: the kernel writes its dirty pages back first. */
  private static final Duration UNMOUNT_LIMIT = Duration.ofSeconds(60);

  /** How long whoever asked waits for the end after that. */
  private static final Duration END_LIMIT = Duration.ofSeconds(90);

  private final NodeConfig config;
  private final MountReport report;
  private final MountedFileSystem mount;
  private final MountBarrier barrier;
  private final OverlayFileSystem overlay;
  private final ApplianceClient client;
  private final BlockCache cache;

  /** How the end went; whoever asked for it waits here. */
  private final CompletableFuture<JsonObject> end = new CompletableFuture<>();

  private ControlServer server;

  LocalControl(
      NodeConfig config,
      MountReport report,
      MountedFileSystem mount,
      MountBarrier barrier,
      OverlayFileSystem overlay,
      ApplianceClient client,
      BlockCache cache) {
    this.config = config;
    this.report = report;
    this.mount = mount;
    this.barrier = barrier;
    this.overlay = overlay;
    this.client = client;
    this.cache = cache;
  }

  void start() throws IOException {
    server = ControlServer.start(config.run().prepareSocket(config.node()), this::handle);
  }

  /** The mount has ended and everything was handed over. */
  void ended(JsonObject result) {
    end.complete(result);
  }

  /** The mount has ended, and something was not handed over. */
  void ended(ApplianceException failure) {
    end.completeExceptionally(failure);
  }

  private JsonObject handle(String command, JsonObject parameters) throws ApplianceException {
    try {
      return switch (command) {
        case "status" -> status();
        case "sync" -> sync();
        case "umount" -> umount(flag(parameters, "force"));
        default ->
            throw new ApplianceException(FailureCode.INVALID, "unknown command '" + command + "'");
      };
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ApplianceException(FailureCode.UNAVAILABLE, "the daemon is shutting down", e);
    }
  }

  private static boolean flag(JsonObject parameters, String name) {
    return parameters.has(name) && parameters.get(name).getAsBoolean();
  }

  private JsonObject status() {
    JsonObject status = new JsonObject();
    status.addProperty("node", report.node());
    status.addProperty("mountPoint", report.mountPoint().toString());
    status.addProperty("frontEnd", report.frontEnd());
    status.addProperty("protocol", report.protocol());
    status.addProperty("master", report.master());
    status.addProperty("version", report.version());
    status.addProperty("epoch", report.epoch());
    status.addProperty("durability", config.localDurability() ? "local" : "strict");
    status.addProperty("appliance", config.appliance().toString());
    status.addProperty("connected", client.isConnected());
    status.addProperty("pid", ProcessHandle.current().pid());
    status.add("overlay", new Gson().toJsonTree(overlay.metrics()));
    status.add("cache", new Gson().toJsonTree(cache.statistics()));
    return status;
  }

  private JsonObject sync() throws ApplianceException, InterruptedException {
    JsonObject result = new JsonObject();
    try {
      result.addProperty("sequence", barrier.await());
    } catch (IOException e) {
      throw new ApplianceException(
          FailureCode.UNAVAILABLE,
          "not everything reached the appliance ("
              + e.getMessage()
              + "); it is kept on this machine and sent as soon as possible",
          e);
    }
    return result;
  }

  /**
   * Hands everything over first, so that a failure leaves the mount as it is.
   *
   * @param force unmount although programs use it or the appliance cannot be reached
   */
  private JsonObject umount(boolean force) throws ApplianceException, InterruptedException {
    try {
      if (force) {
        mount.unmount();
      } else {
        handOver();
        if (!mount.unmountIfUnused(UNMOUNT_LIMIT)) {
          throw new ApplianceException(
              FailureCode.CONFLICT,
              mount.mountPoint()
                  + " is in use: a program has a file open or its working directory there (fuser -vm "
                  + mount.mountPoint()
                  + " shows which); end it, or take the mount away all the same with --force");
        }
      }
      return end.get(END_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (IOException e) {
      throw new ApplianceException(FailureCode.CONFLICT, e.getMessage(), e);
    } catch (TimeoutException e) {
      throw new ApplianceException(
          FailureCode.CONFLICT,
          mount.mountPoint() + " was taken away, but programs still use it; the daemon serves them",
          e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ApplianceException failure) {
        throw failure;
      }
      throw new ApplianceException(FailureCode.INTERNAL, "the unmount failed: " + e.getCause(), e);
    }
  }

  private void handOver() throws ApplianceException, InterruptedException {
    try {
      sync();
    } catch (ApplianceException e) {
      throw new ApplianceException(
          e.code(),
          mount.mountPoint()
              + " stays mounted: "
              + e.getMessage()
              + "; umount --force keeps it here for the next mount",
          e);
    }
  }

  @Override
  public void close() throws IOException {
    if (server != null) {
      server.close();
    }
  }
}
