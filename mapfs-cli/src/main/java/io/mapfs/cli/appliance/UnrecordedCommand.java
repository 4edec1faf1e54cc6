package io.mapfs.cli.appliance;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code mapfs appliance unrecorded}. */
@Command(
    name = "unrecorded",
    header = "List files of the store that no control record names, and remove those named.",
    description = {
      "After a crash in the moment between a file and its record such a file is of no use, and keeps",
      "'repo sweep' and 'repo delete' from their work. But if control records were lost, these files",
      "are what is left of what they named: restore the records then, and remove nothing."
    },
    footer = {
      "",
      "Examples:",
      "  mapfs appliance unrecorded",
      "  mapfs appliance unrecorded --remove /srv/mapfs/trees/debian/7.tree"
    })
final class UnrecordedCommand extends ApplianceCommand {
  @Option(
      names = "--remove",
      paramLabel = "FILE",
      description = "Remove this one, for good; may be given several times.")
  private List<String> remove = List.of();

  @Override
  protected int run(ApplianceClient client) throws ApplianceException {
    for (String file : remove) {
      client.call("unrecorded.remove", new CallParameters().with("file", file).json());
    }
    List<String> left =
        Fields.texts(client.call("appliance.status", new JsonObject()), "unrecorded");
    JsonObject result = new JsonObject();
    result.add("removed", Fields.array(remove));
    result.add("unrecorded", Fields.array(left));
    print(
        result,
        out -> {
          remove.forEach(file -> out.printf("Removed %s.%n", file));
          if (left.isEmpty()) {
            out.println("Every file has its control record.");
          }
          left.forEach(out::println);
          if (!left.isEmpty() && remove.isEmpty()) {
            out.println();
            out.println(
                "If control records were lost, restore them. If not, remove what is named:");
            left.forEach(
                file -> out.println("  mapfs appliance unrecorded --remove '" + file + "'"));
          }
        });
    return 0;
  }
}
