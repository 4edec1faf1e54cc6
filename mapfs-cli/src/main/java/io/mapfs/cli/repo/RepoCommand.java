package io.mapfs.cli.repo;

import picocli.CommandLine.Command;

/** {@code mapfs repo}. */
@Command(
    name = "repo",
    header = "Masters and their versions: what nodes share.",
    description = {
      "A master is a named software stack. Each import makes a new, immutable version of it."
    },
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      ImportCommand.class,
      ListCommand.class,
      VersionsCommand.class,
      ShowCommand.class,
      VerifyCommand.class,
      DeleteCommand.class,
      SweepCommand.class
    })
public final class RepoCommand {}
