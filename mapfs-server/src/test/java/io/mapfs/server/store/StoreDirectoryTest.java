package io.mapfs.server.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StoreDirectoryTest {
  @TempDir Path directory;

  private interface Action {
    void run() throws Exception;
  }

  private static String refused(FailureCode code, Action action) {
    ApplianceException refused = assertThrows(ApplianceException.class, action::run);
    assertEquals(code, refused.code(), refused.getMessage());
    assertFalse(refused.getMessage().contains("\n"), refused.getMessage());
    return refused.getMessage();
  }

  @Test
  void isMadeOnceAndOpenedByOne() throws Exception {
    Path root = directory.resolve("store");
    String clusterId = StoreDirectory.init(root);
    assertTrue(clusterId.matches("[0-9a-f]{32}"));
    assertEquals(
        "rw-------",
        PosixFilePermissions.toString(
            Files.getPosixFilePermissions(root.resolve("keys/signing.key"))));
    assertTrue(refused(FailureCode.CONFLICT, () -> StoreDirectory.init(root)).contains("already"));
    try (StoreDirectory open = StoreDirectory.open(root)) {
      assertEquals(clusterId, open.clusterId());
      assertTrue(refused(FailureCode.CONFLICT, () -> StoreDirectory.open(root)).contains("in use"));
    }
    StoreDirectory.open(root).close();
  }

  @Test
  void refusesADirectoryThatIsSomethingElse() throws Exception {
    Files.writeString(directory.resolve("file"), "x");
    assertTrue(refused(FailureCode.INVALID, () -> StoreDirectory.init(directory)).contains("file"));
    refused(FailureCode.INVALID, () -> StoreDirectory.init(directory.resolve("file")));
    assertTrue(
        refused(FailureCode.NOT_FOUND, () -> StoreDirectory.open(directory))
            .contains("mapfs appliance init"));
  }

  @Test
  void refusesAnotherOrADamagedFormat() throws Exception {
    Path root = directory.resolve("store");
    StoreDirectory.init(root);
    Path file = root.resolve("FORMAT");
    String text = Files.readString(file);
    Files.writeString(file, text.replace("format 1", "format 3"));
    assertTrue(
        refused(FailureCode.INCOMPATIBLE, () -> StoreDirectory.open(root)).contains("format 3"));
    for (int at = 0; at < text.length(); at++) {
      if (text.startsWith("format 1", at - 7)) {
        continue;
      }
      char[] damaged = text.toCharArray();
      damaged[at] ^= 1;
      Files.writeString(file, new String(damaged));
      refused(FailureCode.CORRUPT, () -> StoreDirectory.open(root));
    }
    Files.writeString(file, text.substring(0, text.length() / 2));
    refused(FailureCode.CORRUPT, () -> StoreDirectory.open(root));
    Files.writeString(file, text);
    StoreDirectory.open(root).close();
  }
}
