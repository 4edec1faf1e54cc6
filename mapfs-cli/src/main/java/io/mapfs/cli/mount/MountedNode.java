package io.mapfs.cli.mount;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.fuse.MountTable;
import io.mapfs.node.control.DaemonClient;
import io.mapfs.node.control.RunDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A node that is mounted on this machine, as the kernel's table of mounts has it: its daemon may
 * have died.
 */
record MountedNode(String node, Path mountPoint) {

  /** The node at this mount point. */
  static MountedNode at(Path directory) throws CommandFailure, IOException {
    Path mountPoint = MountPoint.resolve(directory);
    return of(
        MountTable.read()
            .at(mountPoint)
            .orElseThrow(
                () ->
                    new CommandFailure(
                        FailureCode.INVALID, "nothing is mounted at " + mountPoint)));
  }

  /** The node in whose mount this file or directory lies. */
  static MountedNode around(Path path) throws CommandFailure, IOException {
    MountTable mounts = MountTable.read();
    for (Path above = MountPoint.resolve(path); above != null; above = above.getParent()) {
      Optional<MountTable.Mount> mount = mounts.at(above);
      if (mount.isPresent()) {
        return of(mount.get());
      }
    }
    throw new CommandFailure(FailureCode.INVALID, path + " is in no mount");
  }

  private static MountedNode of(MountTable.Mount mount) throws CommandFailure {
    return new MountedNode(
        mount
            .node()
            .orElseThrow(
                () ->
                    new CommandFailure(
                        FailureCode.INVALID,
                        mount.point() + " is not mounted by MapFS (" + mount.type() + ")")),
        Path.of(mount.point()));
  }

  /** Asks its daemon. */
  JsonObject ask(String command, JsonObject parameters) throws ApplianceException {
    JsonObject answer =
        DaemonClient.ask(RunDirectory.ofEnvironment().socket(node), command, parameters);
    answer.remove("ok");
    answer.addProperty("node", node);
    answer.addProperty("mountPoint", mountPoint.toString());
    return answer;
  }
}
