package io.mapfs.cli.appliance;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.Table;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code mapfs appliance audit}. */
@Command(
    name = "audit",
    header = "Show what administrators did, and which machines joined.",
    description = {
      "Exit code 6 if the log was changed, or a part of it is missing; what is left is shown."
    },
    footer = {"", "Examples:", "  mapfs appliance audit", "  mapfs appliance audit --limit 10000"})
final class AuditCommand extends ApplianceCommand {
  @Option(
      names = "--limit",
      paramLabel = "COUNT",
      defaultValue = "100",
      description = "How many of the newest acts (default: ${DEFAULT-VALUE}, at most 10000).")
  private int limit;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    JsonObject result = client.call("audit.list", new CallParameters().with("limit", limit).json());
    List<String> faults = Fields.texts(result, "faults");
    print(
        result,
        out -> {
          Table table = new Table("WHEN", "WHO", "FROM", "WHAT", "RESULT");
          for (JsonObject act : Fields.objects(result, "acts")) {
            table.row(
                Fields.time(act, "timeMillis"),
                Fields.text(act, "who"),
                Fields.text(act, "peer"),
                what(act),
                Fields.text(act, "result"));
          }
          table.print(out, "Nobody did anything yet.");
          faults.forEach(fault -> out.println("Damaged: " + fault));
        });
    return faults.isEmpty() ? 0 : FailureCode.CORRUPT.exitCode();
  }

  private static String what(JsonObject act) {
    StringJoiner words = new StringJoiner(" ").add(Fields.text(act, "method"));
    for (Map.Entry<String, JsonElement> member : Fields.object(act, "parameters").entrySet()) {
      words.add(member.getKey() + "=" + member.getValue().getAsString());
    }
    return words.toString().replaceAll("\\p{Cntrl}+", " ");
  }
}
