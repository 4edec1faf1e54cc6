package io.mapfs.cli.node;

import io.mapfs.cli.mount.TakeoverCommand;
import io.mapfs.cli.tail.TailCommand;
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
      MoveCommand.class,
      TakeoverCommand.class,
      FenceCommand.class,
      TailCommand.class,
      TokenCommand.class,
      JoinCommand.class,
      RevokeCommand.class,
      UnlockCommand.class,
      RewrapCommand.class,
      EraseKeyCommand.class,
      RemoveCommand.class
    })
public final class NodeCommand {}
