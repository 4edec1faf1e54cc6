package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.ConnectionOptions;
import io.mapfs.cli.base.IdentityOptions;
import io.mapfs.cli.base.NewCredential;
import io.mapfs.cli.base.OutputOptions;
import io.mapfs.cli.base.Release;
import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ClientConfig;
import io.mapfs.client.ClientSecurity;
import io.mapfs.core.security.JoinToken;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code mapfs node join}. */
@Command(
    name = "join",
    header = "Make this machine a node: gets its credential for a token.",
    description = {
      "The key is made here and stays here. A token is taken from a file or from standard input,",
      "never from the command line, where others could read it."
    },
    footer = {
      "",
      "Example:",
      "  mapfs node join --appliance 10.1.2.3:7400 --token-file web01.token",
      "Next: mapfs mount web01 /mnt/web01 --appliance 10.1.2.3:7400"
    })
final class JoinCommand implements Callable<Integer> {
  private static final String STANDARD_INPUT = "-";
  private static final int MAX_BYTES = 4096;

  @Mixin private ConnectionOptions connection;
  @Mixin private IdentityOptions identity;
  @Mixin private OutputOptions output;

  @Option(
      names = "--token-file",
      required = true,
      paramLabel = "FILE",
      description = "What 'mapfs node token create' made; - for standard input.")
  private String tokenFile;

  @Override
  public Integer call() throws ApplianceException, CommandFailure, IOException {
    JoinToken token = token();
    Path file = identity.file(token.node());
    NewCredential credential = NewCredential.at(file);
    ClientConfig config =
        ClientConfig.node(token.node(), Release.name())
            .withSecurity(new ClientSecurity.Joining(token));
    try (ApplianceClient client = ApplianceClient.connect(connection.endpoint(), config)) {
      credential.save(
          client.call(
              "node.join",
              new CallParameters()
                  .with("node", token.node())
                  .with("tokenId", token.id())
                  .with("secret", token.secret())
                  .with("request", credential.request(token.node()))
                  .json()));
    }
    JsonObject result = new JsonObject();
    result.addProperty("node", token.node());
    result.addProperty("credential", file.toString());
    output.print(
        result,
        out ->
            out.printf(
                "This machine is %s now; its credential: %s. Next: mapfs mount %s DIRECTORY%n",
                token.node(), file, token.node()));
    return 0;
  }

  private JoinToken token() throws CommandFailure, IOException {
    byte[] text;
    try (InputStream in =
        tokenFile.equals(STANDARD_INPUT) ? System.in : Files.newInputStream(Path.of(tokenFile))) {
      text = in.readNBytes(MAX_BYTES);
    }
    try {
      return JoinToken.parse(new String(text, StandardCharsets.US_ASCII));
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(FailureCode.INVALID, e.getMessage(), e);
    }
  }
}
