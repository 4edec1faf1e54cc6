package io.mapfs.cli.admin;

import picocli.CommandLine.Command;

/** {@code mapfs admin}. */
@Command(
    name = "admin",
    header = "Administrators: who may tell the appliance what to do.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {AddCommand.class, ListCommand.class, RevokeCommand.class})
public final class AdminCommand {}
