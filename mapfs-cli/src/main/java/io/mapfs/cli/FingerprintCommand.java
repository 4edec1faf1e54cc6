package io.mapfs.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.mapfs.cli.base.OutputOptions;
import io.mapfs.core.fingerprint.FingerprintDifference;
import io.mapfs.core.fingerprint.FingerprintFile;
import io.mapfs.core.fingerprint.TreeFingerprint;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code mapfs fingerprint}. */
@Command(
    name = "fingerprint",
    header = "Say all that can be seen of a tree, or compare two.",
    description = {
      "One line for each name: type, mode, owners, time, link count, size, content's hash,",
      "xattrs. Stays on one filesystem. With two trees, or files made so: lists what differs,",
      "with exit code 1 if anything does."
    },
    footer = {
      "",
      "Examples:",
      "  mapfs fingerprint /mnt/web01 > before",
      "  mapfs fingerprint before /mnt/web01",
      "  mapfs fingerprint ./rootfs /mnt/web01"
    })
final class FingerprintCommand implements Callable<Integer> {
  private static final int DIFFERENT = 1;

  /** Most differences that are kept for the answer; all are counted. */
  private static final int DIFFERENCES_MAX = 100_000;

  @Parameters(
      index = "0",
      paramLabel = "TREE",
      description = "A directory, or a fingerprint's file.")
  private Path first;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "OTHER",
      description = "What to compare it with.")
  private Path second;

  @Option(names = "--inodes", description = "Inode numbers too.")
  private boolean inodeNumbers;

  @Option(names = "--exclude-root", description = "Leave the tree's own directory out.")
  private boolean excludeRoot;

  @Mixin private OutputOptions output;
  @Spec private CommandSpec command;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (second == null) {
      write(first, command.commandLine().getOut());
      return 0;
    }
    List<Path> temporary = new ArrayList<>();
    try {
      return compare(asFile(first, temporary), asFile(second, temporary));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } finally {
      for (Path file : temporary) {
        Files.deleteIfExists(file);
      }
    }
  }

  private void write(Path tree, PrintWriter out) throws IOException, InterruptedException {
    try (FingerprintFile.Writer writer = new FingerprintFile.Writer(out)) {
      TreeFingerprint.of(
          tree,
          inodeNumbers,
          Runtime.getRuntime().availableProcessors(),
          line -> {
            if (!excludeRoot || !line.path().equals("/")) {
              writer.add(line);
            }
          });
    }
  }

  private Path asFile(Path tree, List<Path> temporary) throws IOException, InterruptedException {
    if (!Files.isDirectory(tree)) {
      return tree;
    }
    Path file = Files.createTempFile("mapfs-fingerprint", "");
    temporary.add(file);
    try (PrintWriter out =
        new PrintWriter(Files.newBufferedWriter(file, StandardCharsets.US_ASCII))) {
      write(tree, out);
      if (out.checkError()) {
        throw new IOException(file + " cannot be written; is the disk full?");
      }
    }
    return file;
  }

  private int compare(Path from, Path to) throws IOException {
    List<FingerprintDifference> differences = new ArrayList<>();
    long[] count = {0};
    try (FingerprintFile.Reader a = new FingerprintFile.Reader(from);
        FingerprintFile.Reader b = new FingerprintFile.Reader(to)) {
      FingerprintDifference.between(
          a,
          b,
          difference -> {
            if (count[0]++ < DIFFERENCES_MAX) {
              differences.add(difference);
            }
          });
    }
    JsonObject result = new JsonObject();
    result.addProperty("same", count[0] == 0);
    result.addProperty("differenceCount", count[0]);
    JsonArray list = new JsonArray();
    differences.forEach(difference -> list.add(json(difference)));
    result.add("differences", list);
    output.print(result, out -> print(out, differences, count[0]));
    return count[0] == 0 ? 0 : DIFFERENT;
  }

  private static JsonObject json(FingerprintDifference difference) {
    JsonObject json = new JsonObject();
    json.addProperty("path", difference.path());
    json.addProperty("change", difference.kind().name().toLowerCase(Locale.ROOT));
    JsonArray what = new JsonArray();
    difference.fields().forEach(what::add);
    json.add("what", what);
    return json;
  }

  private static void print(PrintWriter out, List<FingerprintDifference> differences, long count) {
    for (FingerprintDifference difference : differences) {
      switch (difference.kind()) {
        case ADDED -> out.println("+ " + difference.path());
        case REMOVED -> out.println("- " + difference.path());
        case CHANGED ->
            out.println(
                "M " + difference.path() + "  (" + String.join(", ", difference.fields()) + ")");
      }
    }
    out.println(count == 0 ? "Identical." : count + " differences.");
  }
}
