package io.mapfs.cli.mount;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.OutputOptions;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Posix;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs umount}. */
@Command(
    name = "umount",
    header = "Hand over a mounted node's changes, then unmount it.",
    description = {
      "Returns once the appliance has everything and the daemon has ended. If the changes cannot",
      "be handed over, the node stays mounted and the exit code is not 0."
    },
    footer = {"", "Example:", "  mapfs umount /mnt/web01"})
public final class UmountCommand implements Callable<Integer> {
  private static final long END_SECONDS = 60;

  @Parameters(paramLabel = "DIR", description = "The mount point.")
  private Path directory;

  @Option(
      names = {"-f", "--force"},
      description =
          "Unmount although programs use it or the appliance cannot be reached: what the appliance"
              + " lacks is kept on this machine and sent at the next mount.")
  private boolean force;

  @Mixin private OutputOptions output;

  @Override
  public Integer call()
      throws CommandFailure, ApplianceException, IOException, InterruptedException {
    MountedNode mounted = MountedNode.at(directory);
    JsonObject result;
    try {
      JsonObject status = mounted.ask("status", new JsonObject());
      JsonObject parameters = new JsonObject();
      parameters.addProperty("force", force);
      result = mounted.ask("umount", parameters);
      awaitEnd(Fields.number(status, "pid"));
    } catch (ApplianceException e) {
      if (!(e.getCause() instanceof IOException) || !isDead(mounted.mountPoint())) {
        throw e;
      }
      return detach(mounted.node(), mounted.mountPoint());
    }
    output.print(
        result,
        out ->
            out.printf(
                "Unmounted %s from %s; the appliance has everything up to record %s.%n",
                mounted.node(), mounted.mountPoint(), Fields.text(result, "sequence")));
    return 0;
  }

  /** The mount is gone already; the process still closes its files. */
  private static void awaitEnd(long pid) throws CommandFailure, InterruptedException {
    Optional<ProcessHandle> daemon = ProcessHandle.of(pid);
    if (daemon.isEmpty()) {
      return;
    }
    try {
      daemon.get().onExit().get(END_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new CommandFailure(
          FailureCode.UNAVAILABLE,
          "unmounted, but the daemon (process "
              + pid
              + ") still runs; a program may keep files of the mount open",
          e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("waiting for a process does not fail", e);
    }
  }

  /** Asks for what the kernel never caches: attributes outlive the daemon. */
  private static boolean isDead(Path mountPoint) {
    try {
      return Files.getFileStore(mountPoint).getTotalSpace() < 0;
    } catch (IOException e) {
      return true;
    }
  }

  /** The daemon was killed: nothing is left to hand over from here. */
  private int detach(String node, Path mountPoint) throws CommandFailure {
    try {
      Posix.unmount(Posix.bytes(mountPoint.toString()), Posix.MNT_DETACH);
    } catch (FsException e) {
      throw new CommandFailure(
          FailureCode.INTERNAL, "cannot unmount " + mountPoint + ": " + e.getMessage(), e);
    }
    JsonObject result = new JsonObject();
    result.addProperty("node", node);
    result.addProperty("mountPoint", mountPoint.toString());
    result.addProperty("daemonDied", true);
    output.print(
        result,
        out ->
            out.printf(
                "Unmounted %s from %s. Its daemon had died: what the appliance lacks is on this"
                    + " machine and is sent when you mount it here again.%n",
                node, mountPoint));
    return 0;
  }
}
