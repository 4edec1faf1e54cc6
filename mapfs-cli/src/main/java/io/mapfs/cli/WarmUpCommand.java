package io.mapfs.cli;

import java.io.PrintWriter;
import java.io.Writer;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/**
 * Loads what commands load, so that the launcher can archive the classes
 * (-XX:ArchiveClassesAtExit): commands then start in half the time. Touches nothing.
 */
@Command(name = "warm-up", hidden = true, header = "Load classes for the launcher's archive.")
final class WarmUpCommand implements Callable<Integer> {
  /** An address that refuses at once: the discard port of this machine. */
  private static final String NOBODY = "127.0.0.1:9";

  @Override
  public Integer call() {
    PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
    Map<String, String> environment = Map.of("MAPFS_APPLIANCE", NOBODY);
    Mapfs.commandLine(environment).setOut(nowhere).setErr(nowhere).execute("status");
    return 0;
  }
}
