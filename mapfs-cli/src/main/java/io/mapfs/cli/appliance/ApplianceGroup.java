package io.mapfs.cli.appliance;

import picocli.CommandLine.Command;

/** {@code mapfs appliance}. */
@Command(
    name = "appliance",
    header = "The appliance: keeps masters, overlays and snapshots, and serves them.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      InitCommand.class,
      ServeCommand.class,
      StatusCommand.class,
      AuditCommand.class,
      RecoverCommand.class,
      UnrecordedCommand.class,
      RecoveryKeyCommand.class
    })
public final class ApplianceGroup {}
