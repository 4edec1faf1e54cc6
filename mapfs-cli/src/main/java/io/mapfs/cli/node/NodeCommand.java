package io.mapfs.cli.node;

import picocli.CommandLine.Command;

/** {@code mapfs node}. */
@Command(
    name = "node",
    header = "Nodes: machines with a private overlay over a master.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      AddCommand.class,
      ListCommand.class,
      ShowCommand.class,
      UpdateCommand.class,
      RemoveCommand.class
    })
public final class NodeCommand {}
