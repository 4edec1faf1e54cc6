package io.mapfs.cli.snapshot;

import picocli.CommandLine.Command;

/** {@code mapfs snapshot}. */
@Command(
    name = "snapshot",
    header = "Snapshots of a node: take, list, compare, delete.",
    description =
        "A snapshot costs what the node changed, never what its tree weighs. It is named by its"
            + " name or its id (s1, s2, ...); 'live' is the node as it is now.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      CreateCommand.class,
      ListCommand.class,
      ShowCommand.class,
      DiffCommand.class,
      DeleteCommand.class
    })
public final class SnapshotCommand {}
