package io.mapfs.core.rocks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.kv.KeyValueStore;
import io.mapfs.core.kv.KeyValueStore.Batch;
import io.mapfs.core.kv.KeyValueStore.Cursor;
import io.mapfs.core.kv.KeyValueStoreContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RocksStoreTest extends KeyValueStoreContract {
  @TempDir Path directory;

  @Override
  protected KeyValueStore open() throws IOException {
    return RocksStore.open(directory.resolve("db"), RocksOptions.of("one", "two"));
  }

  @Test
  void rowsSurviveReopening() throws IOException {
    put(store.table("one"), "k", "v");
    store.close();
    store = open();
    assertArrayEquals(bytes("v"), store.get(store.table("one"), bytes("k")));
  }

  @Test
  void aSecondOpenerIsTold() {
    IOException e = assertThrows(IOException.class, this::open);
    assertTrue(e.getMessage().contains("in use by another process"), e.getMessage());
    assertTrue(e.getMessage().contains(directory.resolve("db").toString()), e.getMessage());
  }

  @Test
  void aTableMayBeAddedAndLeftOut() throws IOException {
    put(store.table("two"), "k", "v");
    store.close();
    store = RocksStore.open(directory.resolve("db"), RocksOptions.of("three"));
    put(store.table("three"), "k", "w");
    assertThrows(IllegalArgumentException.class, () -> store.table("two"));
    store.close();
    store = RocksStore.open(directory.resolve("db"), RocksOptions.of("two", "three"));
    assertArrayEquals(bytes("v"), store.get(store.table("two"), bytes("k")));
    assertArrayEquals(bytes("w"), store.get(store.table("three"), bytes("k")));
  }

  @Test
  void anOpenCursorDoesNotOutliveItsStore() throws IOException {
    put(store.table("one"), "k", "v");
    Cursor cursor = store.scan(store.table("one"), new byte[0], null);
    assertTrue(cursor.next());
    store.close();
    assertThrows(IllegalStateException.class, cursor::next);
    assertThrows(IllegalStateException.class, cursor::key);
    cursor.close();
  }

  @Test
  void aDamagedManifestIsTold() throws IOException {
    put(store.table("one"), "k", "v");
    store.close();
    try (Stream<Path> files = Files.list(directory.resolve("db"))) {
      for (Path file : files.toList()) {
        if (file.getFileName().toString().startsWith("MANIFEST")) {
          byte[] bytes = Files.readAllBytes(file);
          bytes[10] ^= 1;
          Files.write(file, bytes);
        }
      }
    }
    IOException e = assertThrows(IOException.class, this::open);
    assertTrue(e.getMessage().contains("is damaged"), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
  }

  /** What the files hold at a moment is what a killed process leaves. */
  @Test
  void withoutALogTablesGoBackTogetherToTheLastFlush() throws IOException {
    Path live = directory.resolve("live");
    Path killed = directory.resolve("killed");
    RocksOptions options = RocksOptions.of("one", "two").withoutLog();
    try (RocksStore unlogged = RocksStore.open(live, options)) {
      putBoth(unlogged, "a", false);
      unlogged.flush();
      putBoth(unlogged, "b", true);
      putBoth(unlogged, "c", false);
      copy(live, killed);
    }
    try (RocksStore survivor = RocksStore.open(killed, options)) {
      for (String table : List.of("one", "two")) {
        assertArrayEquals(bytes("v"), survivor.get(survivor.table(table), bytes("a")));
        assertArrayEquals(bytes("v"), survivor.get(survivor.table(table), bytes("b")));
        assertNull(survivor.get(survivor.table(table), bytes("c")));
      }
    }
  }

  @Test
  void withALogADurableWriteIsInTheFiles() throws IOException {
    putBoth(store, "a", true);
    Path killed = directory.resolve("killed");
    copy(directory.resolve("db"), killed);
    try (RocksStore survivor = RocksStore.open(killed, RocksOptions.of("one", "two"))) {
      assertArrayEquals(bytes("v"), survivor.get(survivor.table("two"), bytes("a")));
    }
  }

  private static void putBoth(KeyValueStore store, String key, boolean durable) throws IOException {
    try (Batch batch = store.batch()) {
      batch.put(store.table("one"), bytes(key), bytes("v"));
      batch.put(store.table("two"), bytes(key), bytes("v"));
      store.write(batch, durable);
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    try (Stream<Path> files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }
}
