package io.mapfs.cli.tail;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.Fields;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Base64;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mapfs node tail export}. */
@Command(
    name = "export",
    header = "Write a late tail to a file.",
    description = "The format is that of journal segments (docs/format.md).",
    footer = {"", "Example:", "  mapfs node tail export web01 t1 web01-t1.journal"})
final class ExportCommand extends ApplianceCommand {
  @Parameters(index = "0", paramLabel = "NODE", description = "The node's name.")
  private String node;

  @Parameters(index = "1", paramLabel = "TAIL", description = "The tail's id, such as t1.")
  private String tail;

  @Parameters(index = "2", paramLabel = "FILE", description = "A file that does not exist.")
  private Path file;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException, CommandFailure, IOException {
    long offset = 0;
    try (OutputStream out = Files.newOutputStream(file, StandardOpenOption.CREATE_NEW)) {
      byte[] data;
      do {
        JsonObject piece =
            client.call(
                "tail.read",
                new CallParameters()
                    .with("node", node)
                    .with("tail", tail)
                    .with("offset", offset)
                    .json());
        data = Base64.getDecoder().decode(Fields.text(piece, "data"));
        out.write(data);
        offset += data.length;
      } while (data.length > 0);
    } catch (FileAlreadyExistsException e) {
      throw new CommandFailure(
          FailureCode.CONFLICT, file + " exists already; choose another name", e);
    } catch (ApplianceException | IOException e) {
      Files.deleteIfExists(file);
      throw e;
    }
    JsonObject result = new JsonObject();
    result.addProperty("file", file.toString());
    result.addProperty("bytes", offset);
    print(result, out -> out.printf("Wrote late tail %s of %s to %s.%n", tail, node, file));
    return 0;
  }
}
