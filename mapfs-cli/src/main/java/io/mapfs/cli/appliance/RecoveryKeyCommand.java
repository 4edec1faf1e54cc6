package io.mapfs.cli.appliance;

import picocli.CommandLine.Command;

/** {@code mapfs appliance recovery-key}. */
@Command(
    name = "recovery-key",
    header = "The key that opens every encrypted overlay, kept off line.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {CreateRecoveryKeyCommand.class, ShowRecoveryKeyCommand.class})
final class RecoveryKeyCommand {}
