package io.mapfs.cli.tail;

import picocli.CommandLine.Command;

/** {@code mapfs node tail}. */
@Command(
    name = "tail",
    header = "Late tails: changes that reached the appliance after their node's lease had ended.",
    description = {
      "A node that was fenced, taken over or rolled back while it had changes that the appliance",
      "lacked hands them over as a late tail. It is kept aside, never merged, until it is dropped."
    },
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {ListCommand.class, ShowCommand.class, ExportCommand.class, DropCommand.class})
public final class TailCommand {}
