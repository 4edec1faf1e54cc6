package io.mapfs.cli.mount;

import io.mapfs.cli.base.AdministratorOptions;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code mapfs node takeover}. */
@Command(
    name = "takeover",
    header = "Take a node over from another machine: mount it here.",
    description = {
      "The machine that has it mounted hands over its changes and loses the lease; then the node is",
      "mounted here. Refused if it does not hand them over; with --force it is not asked, and what",
      "it has not handed over becomes a late tail (mapfs node tail list)."
    },
    footer = {
      "",
      "Examples:",
      "  mapfs node takeover web01 /mnt/web01",
      "  mapfs node takeover web01 /mnt/web01 --force"
    })
public final class TakeoverCommand extends MountCommand {
  @Mixin private AdministratorOptions administrator;

  @Override
  void prepare(String nodeName, DaemonOptions daemon) throws ApplianceException, CommandFailure {
    try (ApplianceClient client = administrator.connect(daemon.connection())) {
      client.call(
          "node.fence",
          new CallParameters().with("node", nodeName).with("handOver", !daemon.force()).json());
    }
  }
}
