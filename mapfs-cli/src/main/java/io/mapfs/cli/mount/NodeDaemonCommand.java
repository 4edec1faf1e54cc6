package io.mapfs.cli.mount;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** What {@code mapfs mount} starts in the background; not for people. */
@Command(name = "node-daemon", hidden = true, header = "Serve a node's root until it is unmounted.")
public final class NodeDaemonCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Parameters(index = "1", paramLabel = "DIR", description = "The mount point, checked.")
  private Path mountPoint;

  @Mixin private DaemonOptions options;

  @Override
  public Integer call() throws InterruptedException {
    return DaemonRun.inBackground(node, mountPoint, options);
  }
}
