package io.mapfs.cli.repo;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.mapfs.cli.base.ApplianceCommand;
import io.mapfs.cli.base.LocalDirectories;
import io.mapfs.cli.base.ProgressLine;
import io.mapfs.client.ApplianceClient;
import io.mapfs.client.RemoteImportTarget;
import io.mapfs.client.TreeFiles;
import io.mapfs.core.importer.ImportException;
import io.mapfs.core.importer.ImportNotice;
import io.mapfs.core.importer.ImportOptions;
import io.mapfs.core.importer.ImportResult;
import io.mapfs.core.importer.ImportSource;
import io.mapfs.core.importer.ImportStatistics;
import io.mapfs.core.importer.Importer;
import io.mapfs.core.text.Sizes;
import io.mapfs.core.wire.ApplianceException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code mapfs repo import}. */
@Command(
    name = "import",
    header = "Make a new version of a master from a directory or a tar.",
    description = {
      "The first import of a name makes the master. What the appliance has already is not stored",
      "again. An import that is interrupted leaves nothing behind; run it again."
    },
    footer = {
      "",
      "Examples:",
      "  mapfs repo import debian ./rootfs",
      "  mapfs repo import debian rootfs.tar --comment 'security fixes'",
      "  ssh golden tar -C / --one-file-system --xattrs --acls -cf - . | mapfs repo import debian -"
    })
final class ImportCommand extends ApplianceCommand {
  private static final int NOTICES_SHOWN = 20;

  /** Longest time that a signal waits for the clean-up. */
  private static final long STOP_SECONDS = 20;

  @Parameters(index = "0", paramLabel = "MASTER", description = "The master's name.")
  private String master;

  @Parameters(
      index = "1",
      paramLabel = "SOURCE",
      description = "A directory, a tar file, or - for a tar on standard input.")
  private String source;

  @Option(names = "--comment", paramLabel = "TEXT", description = "A remark on the version.")
  private String comment;

  @Option(
      names = {"-x", "--exclude"},
      paramLabel = "PATH",
      description = "A path in the source to leave out, with all below it; may be repeated.")
  private List<String> excludes = List.of();

  @Option(
      names = "--cross-file-systems",
      description = "Go into filesystems that are mounted below SOURCE.")
  private boolean crossFileSystems;

  @Option(
      names = "--temporary",
      paramLabel = "DIR",
      description = "Where to put temporary files (default: ${java.io.tmpdir}).")
  private Path temporary = Path.of(System.getProperty("java.io.tmpdir"));

  @Option(
      names = "--cache",
      paramLabel = "DIR",
      description = "Where trees of versions are cached (default: /var/cache/mapfs).")
  private Path cache;

  @Override
  protected int run(ApplianceClient client)
      throws ApplianceException, ImportException, IOException, InterruptedException {
    ImportSource from = ImportSource.of(source);
    ImportOptions options =
        ImportOptions.defaults()
            .withExcludes(excludes)
            .withCrossFileSystems(crossFileSystems)
            .withTemporaryDirectory(temporary);
    TreeFiles trees =
        new TreeFiles(
            client,
            LocalDirectories.cache(cache).resolve("trees").resolve(client.welcome().clusterId()));
    CountDownLatch finished = cancelOnSignal();
    try (ProgressLine line = ProgressLine.ofEnvironment();
        RemoteImportTarget target =
            RemoteImportTarget.begin(client, master, true, comment, trees)) {
      print(
          Importer.run(
              from,
              target,
              options,
              (files, bytes, newBytes) ->
                  line.show(
                      String.format(
                          Locale.ROOT,
                          "%,d files, %s read, %s of it new",
                          files,
                          Sizes.format(bytes),
                          Sizes.format(newBytes)))),
          line);
      return 0;
    } finally {
      finished.countDown();
    }
  }

  /** On Ctrl-C: interrupts this thread, and lets the process end when it has cleaned up. */
  private static CountDownLatch cancelOnSignal() {
    Thread importing = Thread.currentThread();
    CountDownLatch finished = new CountDownLatch(1);
    Thread hook =
        new Thread(
            () -> {
              if (finished.getCount() == 0) {
                return;
              }
              importing.interrupt();
              try {
                if (!finished.await(STOP_SECONDS, TimeUnit.SECONDS)) {
                  System.err.println("mapfs: ended before temporary files were deleted");
                }
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "mapfs-import-cancel");
    Runtime.getRuntime().addShutdownHook(hook);
    return finished;
  }

  private void print(ImportResult result, ProgressLine line) {
    line.close();
    ImportStatistics found = result.statistics();
    JsonObject json = new JsonObject();
    json.addProperty("master", result.master());
    json.addProperty("version", result.version());
    json.addProperty("entries", found.entries());
    json.addProperty("inodes", found.inodes());
    json.addProperty("contentBytes", found.contentBytes());
    json.addProperty("newBlocks", found.newBlocks());
    json.addProperty("newBytes", found.newRawBytes());
    json.addProperty("newStoredBytes", found.newStoredBytes());
    json.addProperty("noticeCount", result.noticeCount());
    JsonArray notices = new JsonArray();
    for (ImportNotice notice : result.notices()) {
      JsonObject one = new JsonObject();
      one.addProperty("kind", notice.kind().name().toLowerCase(Locale.ROOT));
      one.addProperty("path", notice.path());
      notices.add(one);
    }
    json.add("notices", notices);
    print(
        json,
        out -> {
          out.printf(
              Locale.ROOT,
              "Imported %s version %d: %,d entries, %s; new: %s in %,d blocks, stored as %s.%n",
              result.master(),
              result.version(),
              found.entries(),
              Sizes.format(found.contentBytes()),
              Sizes.format(found.newRawBytes()),
              found.newBlocks(),
              Sizes.format(found.newStoredBytes()));
          result.notices().stream().limit(NOTICES_SHOWN).forEach(out::println);
          if (result.noticeCount() > NOTICES_SHOWN) {
            out.printf(
                "... and %d more (--output json lists up to %d).%n",
                result.noticeCount() - NOTICES_SHOWN, ImportResult.NOTICES_MAX);
          }
        });
  }
}
