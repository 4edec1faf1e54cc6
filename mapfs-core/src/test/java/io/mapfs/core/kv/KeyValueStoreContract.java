package io.mapfs.core.kv;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.mapfs.core.kv.KeyValueStore.Batch;
import io.mapfs.core.kv.KeyValueStore.Cursor;
import io.mapfs.core.kv.KeyValueStore.Table;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every {@link KeyValueStore} does. */
public abstract class KeyValueStoreContract {
  protected KeyValueStore store;
  private Table one;
  private Table two;

  /** Opens an empty store with the tables {@code one} and {@code two}. */
  protected abstract KeyValueStore open() throws IOException;

  @BeforeEach
  void openStore() throws IOException {
    store = open();
    one = store.table("one");
    two = store.table("two");
  }

  @AfterEach
  void closeStore() throws IOException {
    store.close();
  }

  @Test
  void aMissingKeyIsNull() throws IOException {
    assertNull(store.get(one, bytes("absent")));
  }

  @Test
  void tablesAreApart() throws IOException {
    put(one, "k", "v1");
    assertNull(store.get(two, bytes("k")));
    put(two, "k", "v2");
    assertArrayEquals(bytes("v1"), store.get(one, bytes("k")));
    assertArrayEquals(bytes("v2"), store.get(two, bytes("k")));
  }

  @Test
  void aBatchAppliesInOrderAcrossTables() throws IOException {
    put(one, "gone", "x");
    try (Batch batch = store.batch()) {
      batch.put(one, bytes("a"), bytes("1"));
      batch.put(two, bytes("a"), bytes("2"));
      batch.put(one, bytes("a"), bytes("3"));
      batch.delete(one, bytes("gone"));
      batch.put(two, bytes("b"), bytes("4")).delete(two, bytes("b"));
      assertEquals(6, batch.count());
      assertNull(store.get(one, bytes("a")), "nothing is seen before the write");
      store.write(batch, true);
    }
    assertEquals(List.of("a=3"), rows(one, "", null));
    assertEquals(List.of("a=2"), rows(two, "", null));
  }

  @Test
  void keysCompareAsUnsignedBytes() throws IOException {
    try (Batch batch = store.batch()) {
      for (int b : new int[] {0xff, 0x00, 0x7f, 0x80}) {
        batch.put(one, new byte[] {(byte) b}, new byte[0]);
      }
      batch.put(one, new byte[] {0x7f, 0}, new byte[0]);
      store.write(batch, false);
    }
    List<Integer> firsts = new ArrayList<>();
    try (Cursor cursor = store.scan(one, new byte[0], null)) {
      while (cursor.next()) {
        firsts.add(cursor.key()[0] & 0xff);
        assertEquals(0, cursor.value().length);
      }
    }
    assertEquals(List.of(0x00, 0x7f, 0x7f, 0x80, 0xff), firsts);
  }

  @Test
  void aScanHasItsBounds() throws IOException {
    for (String key : List.of("a", "b", "ba", "c", "d")) {
      put(one, key, key);
    }
    assertEquals(List.of("b=b", "ba=ba"), rows(one, "b", "c"));
    assertEquals(List.of("ba=ba", "c=c", "d=d"), rows(one, "b0", null));
    assertEquals(List.of(), rows(one, "c", "c"));
    assertEquals(List.of(), rows(one, "e", null));
  }

  @Test
  void aScanSeesOneMoment() throws IOException {
    put(one, "a", "1");
    put(one, "b", "1");
    try (Cursor cursor = store.scan(one, new byte[0], null)) {
      try (Batch batch = store.batch()) {
        batch.put(one, bytes("a"), bytes("2")).put(one, bytes("c"), bytes("2"));
        batch.delete(one, bytes("b"));
        store.write(batch, true);
      }
      assertEquals(List.of("a=1", "b=1"), rows(cursor));
      assertFalse(cursor.next(), "stays at the end");
    }
    assertEquals(List.of("a=2", "c=2"), rows(one, "", null));
  }

  @Test
  void aCursorOffItsRowsIsRefused() throws IOException {
    try (Cursor cursor = store.scan(one, new byte[0], null)) {
      assertThrows(IllegalStateException.class, cursor::key);
      assertFalse(cursor.next());
      assertThrows(IllegalStateException.class, cursor::value);
    }
  }

  @Test
  void aRangeGoes() throws IOException {
    for (String key : List.of("a", "b", "c", "d")) {
      put(one, key, key);
      put(two, key, key);
    }
    try (Batch batch = store.batch()) {
      batch.deleteRange(one, bytes("b"), bytes("d"));
      store.write(batch, false);
    }
    assertEquals(List.of("a=a", "d=d"), rows(one, "", null));
    assertEquals(List.of("a=a", "b=b", "c=c", "d=d"), rows(two, "", null));
  }

  @Test
  void valuesAreTheCallersOwn() throws IOException {
    byte[] value = bytes("value");
    try (Batch batch = store.batch()) {
      batch.put(one, bytes("k"), value);
      value[0] = 'X';
      store.write(batch, false);
    }
    store.get(one, bytes("k"))[0] = 'Y';
    assertArrayEquals(bytes("value"), store.get(one, bytes("k")));
  }

  @Test
  void aTableThatWasNotGivenIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> store.table("three"));
  }

  @Test
  void aClosedStoreRefuses() throws IOException {
    put(one, "k", "v");
    store.close();
    store.close();
    assertThrows(IllegalStateException.class, () -> store.get(one, bytes("k")));
    assertThrows(IllegalStateException.class, () -> store.scan(one, new byte[0], null));
  }

  protected void put(Table table, String key, String value) throws IOException {
    try (Batch batch = store.batch()) {
      batch.put(table, bytes(key), bytes(value));
      store.write(batch, false);
    }
  }

  protected List<String> rows(Table table, String from, String to) throws IOException {
    try (Cursor cursor = store.scan(table, bytes(from), to == null ? null : bytes(to))) {
      return rows(cursor);
    }
  }

  private static List<String> rows(Cursor cursor) throws IOException {
    List<String> rows = new ArrayList<>();
    while (cursor.next()) {
      rows.add(new String(cursor.key(), UTF_8) + "=" + new String(cursor.value(), UTF_8));
    }
    return rows;
  }

  protected static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }
}
