package io.mapfs.server.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.kv.DamagedStoreException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RevocationListTest {
  @TempDir Path directory;

  private Path file() {
    return directory.resolve("revoked");
  }

  @Test
  void theFileIsWhatTheFormatSays() throws Exception {
    RevocationList list = RevocationList.open(file());
    assertFalse(list.exists());
    list.add(List.of());
    assertTrue(list.exists());
    list.add(List.of("bb", "aa"));
    list.add(List.of("aa"));
    assertEquals(
        "MapFS revocations\nformat 1\naa\nbb\n"
            + "sha256 45485faaa9d03c4c9c76cac1436a74fdbcbc6f3b9efa43c82d3af0bc9044d01a\n",
        Files.readString(file()));
    RevocationList read = RevocationList.open(file());
    assertTrue(read.exists());
    assertTrue(read.contains("aa"));
    assertTrue(read.contains("bb"));
    assertFalse(read.contains("a"));
  }

  @Test
  void whatIsDamagedIsRefused() throws Exception {
    RevocationList.open(file()).add(List.of("aa", "bb"));
    String whole = Files.readString(file());
    for (int at = 0; at < whole.length(); at++) {
      Files.writeString(file(), whole.substring(0, at));
      assertThrows(DamagedStoreException.class, () -> RevocationList.open(file()));
      Files.writeString(file(), whole.substring(0, at) + "~" + whole.substring(at + 1));
      assertThrows(DamagedStoreException.class, () -> RevocationList.open(file()));
    }
  }
}
