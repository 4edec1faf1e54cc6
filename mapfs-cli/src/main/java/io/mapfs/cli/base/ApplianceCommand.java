package io.mapfs.cli.base;

import com.google.gson.JsonObject;
import io.mapfs.client.ApplianceClient;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Mixin;

/** A command that asks the appliance and prints its answer. */
public abstract class ApplianceCommand implements Callable<Integer> {
  @Mixin private ConnectionOptions connection;
  @Mixin private AdministratorOptions administrator;
  @Mixin private OutputOptions output;

  @Override
  public final Integer call() throws Exception {
    try (ApplianceClient client = administrator.connect(connection)) {
      return run(client);
    }
  }

  /** Does the work; returns the exit code. */
  protected abstract int run(ApplianceClient client) throws Exception;

  protected final ConnectionOptions connection() {
    return connection;
  }

  protected final void print(JsonObject result, Consumer<PrintWriter> table) {
    output.print(result, table);
  }
}
