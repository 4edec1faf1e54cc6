package io.mapfs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.mapfs.cli.base.CommandFailure;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ConfigurationTest {
  @TempDir private Path directory;

  @Test
  void readsKeysAndValues() throws Exception {
    Configuration read = parse("# comment\n\n appliance = 10.0.0.1:7400 \ncache=/var/cache/x=y\n");
    assertEquals(Optional.of("10.0.0.1:7400"), read.get("appliance"));
    assertEquals(Optional.of("/var/cache/x=y"), read.get("cache"));
    assertEquals(Optional.empty(), read.get("state"));
  }

  @Test
  void namesTheLineOfAnUnknownKeyAndTheNearestOne() {
    assertRefused(
        "store = /srv\naplliance = x\n", ":2: unknown key 'aplliance'; did you mean 'appliance'?");
  }

  @Test
  void refusesWhatIsNoKeyAndValue() {
    assertRefused("appliance\n", ":1: 'appliance' is not of the form key = value");
    assertRefused("= x\n", ":1: '= x' is not of the form key = value");
  }

  @Test
  void refusesAKeyTwice() {
    assertRefused("store = a\nstore = b\n", ":2: 'store' is set twice");
  }

  @Test
  void aNamedFileMustExist() {
    Path missing = directory.resolve("none.conf");
    CommandFailure refused =
        assertThrows(
            CommandFailure.class,
            () ->
                Configuration.ofEnvironment(
                    Map.of("MAPFS_CONFIG", missing.toString()), Defaults.KEYS));
    assertEquals(FailureCode.NOT_FOUND, refused.code());
    assertEquals(missing + " does not exist, but MAPFS_CONFIG names it", refused.getMessage());
  }

  private void assertRefused(String text, String message) {
    CommandFailure refused = assertThrows(CommandFailure.class, () -> parse(text));
    assertEquals(FailureCode.INVALID, refused.code());
    String start = directory.resolve("mapfs.conf") + message;
    assertEquals(
        start,
        refused.getMessage().substring(0, Math.min(start.length(), refused.getMessage().length())));
  }

  private Configuration parse(String text) throws IOException, CommandFailure {
    Path file = Files.writeString(directory.resolve("mapfs.conf"), text);
    return Configuration.ofEnvironment(Map.of("MAPFS_CONFIG", file.toString()), Defaults.KEYS);
  }
}
