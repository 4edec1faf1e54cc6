package io.mapfs.cli.node;

import picocli.CommandLine.Command;

/** {@code mapfs node token}. */
@Command(
    name = "token",
    header = "Tokens with which machines become nodes.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {CreateTokenCommand.class})
final class TokenCommand {}
