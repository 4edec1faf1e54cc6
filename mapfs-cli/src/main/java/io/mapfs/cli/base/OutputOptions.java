package io.mapfs.cli.base;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import java.io.PrintWriter;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The option that chooses between table and JSON, and the printing of either. */
public final class OutputOptions {
  private static final Gson JSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      defaultValue = "table",
      description =
          "How to print the result: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private OutputFormat format = OutputFormat.table;

  /** Prints the result as JSON, or has it printed for people. */
  public void print(JsonObject result, Consumer<PrintWriter> table) {
    PrintWriter out = command.commandLine().getOut();
    if (format == OutputFormat.json) {
      out.println(JSON.toJson(result));
    } else {
      table.accept(out);
    }
    out.flush();
  }
}
