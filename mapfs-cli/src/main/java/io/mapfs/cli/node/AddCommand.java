package io.mapfs.cli.node;

import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.CallParameters;
import io.mapfs.cli.base.CommandFailure;
import io.mapfs.cli.base.Fields;
import io.mapfs.cli.base.QuotaConverter;
import io.mapfs.cli.base.SizeConverter;
import io.mapfs.cli.template.Template;
import io.mapfs.cli.template.TemplateLibrary;
import io.mapfs.client.ApplianceClient;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs node add}. */
@Command(
    name = "add",
    header = "Add a node: an empty overlay over a master's version.",
    description = "What a flag says goes before what the template says.",
    footer = {
      "",
      "Examples:",
      "  mapfs node add web01 --master debian",
      "  mapfs node add web01 --template debian --quota 5GiB",
      "  mapfs node add web01 --master debian --encrypt",
      "Next: mapfs mount web01 /mnt/web01"
    })
final class AddCommand extends ApplianceCommand {
  @Parameters(paramLabel = "NODE", description = "The new node's name.")
  private String node;

  @Option(
      names = {"-m", "--master"},
      paramLabel = "MASTER",
      description = "The master that the node stands on.")
  private String master;

  @Option(
      names = "--version",
      paramLabel = "VERSION",
      description = "A version's number or a channel's name (default: latest).")
  private String version;

  @Option(
      names = {"-t", "--template"},
      paramLabel = "TEMPLATE",
      description = "Name of a template, or path of its file: gives what the flags do not.")
  private String template;

  @Option(
      names = "--templates",
      paramLabel = "DIR",
      description =
          "Where templates lie (default: ./templates, /etc/mapfs/templates, this release's).")
  private String templates;

  @Option(
      names = "--quota",
      paramLabel = "SIZE",
      converter = QuotaConverter.class,
      description = "Most bytes of the node's own data, such as 20GiB (default: unlimited).")
  private Long quotaBytes;

  @Option(
      names = "--cache-size",
      paramLabel = "SIZE",
      converter = SizeConverter.class,
      description = "Size of the node's block cache (default: the node's own).")
  private Long cacheBytes;

  @Option(
      names = "--encrypt",
      description =
          "Encrypt what the overlay holds on the appliance's disks: the key is made at the first"
              + " mount, for that machine and the recovery key.")
  private boolean encrypt;

  @Override
  protected int run(ApplianceClient client) throws ApplianceException, CommandFailure, IOException {
    Template from =
        template == null ? Template.EMPTY : TemplateLibrary.of(templates).find(template);
    String onMaster = master != null ? master : from.master();
    if (onMaster == null) {
      throw new CommandFailure(
          FailureCode.INVALID,
          "no master named for '"
              + node
              + "'; give --master MASTER, or a --template that names one");
    }
    JsonObject result =
        client.call(
            "node.add",
            new CallParameters()
                .with("node", node)
                .with("master", onMaster)
                .with("version", version != null ? version : from.version())
                .with("quotaBytes", quotaBytes != null ? quotaBytes : from.quotaBytes())
                .with("cacheBytes", cacheBytes != null ? cacheBytes : from.cacheBytes())
                .with("encrypt", encrypt || from.encrypt())
                .with("template", template == null ? null : from.name())
                .json());
    print(
        result,
        out ->
            out.printf(
                "Added node %s on %s version %s. Next: mapfs mount %s DIRECTORY%n",
                Fields.text(result, "node"),
                Fields.text(result, "master"),
                Fields.text(result, "version"),
                Fields.text(result, "node")));
    return 0;
  }
}
