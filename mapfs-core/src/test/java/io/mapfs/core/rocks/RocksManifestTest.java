package io.mapfs.core.rocks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.kv.DamagedStoreException;
import io.mapfs.core.kv.KeyValueStore.Batch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RocksManifestTest {
  /** Enough for a manifest of several blocks: each flush adds a record or two. */
  private static final int FLUSHES = 300;

  @TempDir Path directory;

  private Path current;
  private Path manifest;
  private byte[] whole;

  @BeforeEach
  void makeADatabase() throws IOException {
    Path database = directory.resolve("db");
    try (RocksStore store = RocksStore.open(database, RocksOptions.of("one").withoutLog())) {
      for (int i = 0; i < FLUSHES; i++) {
        try (Batch batch = store.batch()) {
          batch.put(store.table("one"), bytes("key " + i), bytes("value ".repeat(30)));
          store.write(batch, true);
        }
      }
    }
    current = database.resolve("CURRENT");
    manifest = database.resolve(Files.readString(current).strip());
    whole = Files.readAllBytes(manifest);
    assertTrue(whole.length > 40_000, whole.length + " bytes are one block alone");
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void aWholeManifestPasses() throws IOException {
    RocksManifest.check(current);
  }

  @Test
  void everyChangedByteIsNoticed() throws IOException {
    // The last records closely: they must not be taken for what a crash cut.
    for (int at = 0; at < whole.length; at += at < whole.length - 400 ? 13 : 1) {
      byte[] changed = whole.clone();
      changed[at] ^= (byte) (1 << (at % 8));
      Files.write(manifest, changed);
      int where = at;
      DamagedStoreException e =
          assertThrows(
              DamagedStoreException.class, () -> RocksManifest.check(current), "byte " + where);
      assertTrue(e.getMessage().contains(manifest.getFileName().toString()), e.getMessage());
    }
  }

  @Test
  void whatACrashLeavesIsForRocksDb() throws IOException {
    Files.write(manifest, Arrays.copyOf(whole, whole.length - 5));
    RocksManifest.check(current);
    Files.write(manifest, Arrays.copyOf(whole, whole.length + 1000));
    RocksManifest.check(current);
    Files.delete(manifest);
    RocksManifest.check(current);
    Files.writeString(current, "MANIFEST-none");
    RocksManifest.check(current);
    Files.delete(current);
    RocksManifest.check(current);
  }

  @Test
  void anOpenerIsToldInOneLine() throws IOException {
    whole[20_000] ^= 4;
    Files.write(manifest, whole);
    DamagedStoreException e =
        assertThrows(
            DamagedStoreException.class,
            () -> RocksStore.open(current.getParent(), RocksOptions.of("one").withoutLog()));
    assertEquals(1, e.getMessage().lines().count());
  }
}
