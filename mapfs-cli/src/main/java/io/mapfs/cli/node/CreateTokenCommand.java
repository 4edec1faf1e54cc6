package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.wire.ApplianceException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs node token create}. */
@Command(
    name = "create",
    header = "Make a token: whoever has it may join as the node, once.",
    description = {
      "The token says by what the machine knows the appliance, too. It is printed, or written to a",
      "file of mode 0600; bring it to the machine on a way that you trust."
    },
    footer = {
      "",
      "Examples:",
      "  mapfs node token create web01 --file web01.token",
      "  mapfs node token create web01 | ssh root@web01 mapfs node join --token-file -"
    })
final class CreateTokenCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Option(
      names = "--minutes",
      paramLabel = "MINUTES",
      defaultValue = "60",
      description = "How long it is good for (default: ${DEFAULT-VALUE}).")
  private long minutes;

  @Option(
      names = "--file",
      paramLabel = "FILE",
      description = "Write it to this file instead of printing it.")
  private Path file;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException, IOException {
    JsonObject result =
        client.call(
            "token.create",
            new CallParameters()
                .with("node", node)
                .with("lifetimeMillis", TimeUnit.MINUTES.toMillis(minutes))
                .json());
    String token = Fields.text(result, "token");
    if (file == null) {
      print(result, out -> out.println(token));
      return 0;
    }
    DurableFiles.write(file.toAbsolutePath(), (token + "\n").getBytes(StandardCharsets.US_ASCII));
    result.remove("token");
    result.addProperty("file", file.toAbsolutePath().toString());
    print(
        result,
        out ->
            out.printf(
                "Wrote a token for %s to %s, good until %s. On the machine: mapfs node join"
                    + " --token-file %s%n",
                node, file, Fields.time(result, "expiresMillis"), file.getFileName()));
    return 0;
  }
}
