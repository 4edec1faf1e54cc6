package io.mapfs.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code mapfs completion}. */
@Command(
    name = "completion",
    header = "Print a completion script for bash and zsh.",
    footer = {
      "",
      "Examples:",
      "  source <(mapfs completion)",
      "  mapfs completion > /etc/bash_completion.d/mapfs"
    })
final class CompletionCommand implements Callable<Integer> {
  @Spec private CommandSpec command;

  @Override
  public Integer call() {
    command.commandLine().getOut().print(AutoComplete.bash("mapfs", command.root().commandLine()));
    command.commandLine().getOut().flush();
    return 0;
  }
}
