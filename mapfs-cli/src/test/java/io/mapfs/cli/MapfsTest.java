package io.mapfs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class MapfsTest {
  /** An address that refuses at once. */
  private static final String NOBODY = "127.0.0.1:9";

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  @TempDir private Path directory;

  @Test
  void everyCommandHasAHeaderAndEveryLeafAnExample() {
    assertDocumented(Mapfs.commandLine(Map.of()));
  }

  private static void assertDocumented(CommandLine command) {
    var spec = command.getCommandSpec();
    assertEquals(1, spec.usageMessage().header().length, spec.qualifiedName());
    if (command.getSubcommands().isEmpty() && !spec.usageMessage().hidden()) {
      String footer = String.join("\n", spec.usageMessage().footer());
      assertTrue(
          footer.contains("  mapfs ") || footer.contains("mapfs completion"), spec.qualifiedName());
    }
    command.getSubcommands().values().forEach(MapfsTest::assertDocumented);
  }

  @Test
  void wrongUsageIsOneLineAndCode2() {
    assertEquals(2, run(Map.of(), "node", "add"));
    assertTrue(
        err.toString().startsWith("mapfs: Missing required parameter: 'NODE'"), err.toString());
    assertTrue(err.toString().contains("Try 'mapfs node add --help'."), err.toString());
    assertEquals("", out.toString());
  }

  @Test
  void anUnreachableApplianceIsOneLineAndCode5() {
    assertEquals(5, run(Map.of("MAPFS_APPLIANCE", NOBODY), "status"));
    assertEquals(1, err.toString().lines().count(), err.toString());
    assertTrue(err.toString().contains(NOBODY), err.toString());
  }

  @Test
  void flagGoesBeforeEnvironmentBeforeFile() throws IOException {
    Path file = directory.resolve("mapfs.conf");
    Files.writeString(file, "appliance = file:1\n");
    Map<String, String> fileOnly = Map.of("MAPFS_CONFIG", file.toString());
    Map<String, String> both =
        Map.of("MAPFS_CONFIG", file.toString(), "MAPFS_APPLIANCE", "environment:1");
    assertEquals("file:1", appliance(fileOnly));
    assertEquals("environment:1", appliance(both));
    assertEquals("flag:1", appliance(both, "--appliance", "flag:1"));
    assertEquals("127.0.0.1:7400", appliance(Map.of("MAPFS_CONFIG", emptyFile())));
  }

  private String emptyFile() throws IOException {
    return Files.writeString(directory.resolve("empty.conf"), "").toString();
  }

  private static String appliance(Map<String, String> environment, String... flags) {
    List<String> arguments = new ArrayList<>(List.of("status"));
    arguments.addAll(List.of(flags));
    return Mapfs.commandLine(environment)
        .parseArgs(arguments.toArray(String[]::new))
        .subcommand()
        .commandSpec()
        .findOption("--appliance")
        .getValue();
  }

  @Test
  void aFaultInTheConfigurationFileIsOneLineAndCode2() throws IOException {
    Path file = Files.writeString(directory.resolve("mapfs.conf"), "nonsense\n");
    assertEquals(2, run(Map.of("MAPFS_CONFIG", file.toString()), "status"));
    assertTrue(
        err.toString().startsWith("mapfs: " + file + ":1: 'nonsense' is not"), err.toString());
  }

  @Test
  void stackTracesAreShownOnlyWithDebug() {
    run(Map.of("MAPFS_APPLIANCE", NOBODY), "status");
    assertFalse(err.toString().contains("\tat "), err.toString());
    run(Map.of("MAPFS_APPLIANCE", NOBODY), "status", "--debug");
    assertTrue(err.toString().contains("\tat "), err.toString());
  }

  @Test
  void completionKnowsTheCommands() {
    assertEquals(0, run(Map.of(), "completion"));
    assertTrue(out.toString().contains("snapshot"), "no snapshot in the script");
    assertFalse(out.toString().contains("warm-up"), "hidden commands are not completed");
  }

  private int run(Map<String, String> environment, String... arguments) {
    return Mapfs.commandLine(environment, arguments)
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(arguments);
  }
}
