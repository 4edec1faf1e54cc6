package io.mapfs.server.store;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import io.mapfs.core.kv.KeyValueStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Control records as JSON documents in a key-value store: {@code kind/key} → document, {@code
 * series} → 8 bytes. The one-machine form of the control plane.
 */
public final class RocksControlStore implements ControlStore {
  /** The tables that the key-value store is to be opened with. */
  static final String RECORDS = "records";

  static final String SERIES = "series";

  private final KeyValueStore store;
  private final KeyValueStore.Table records;
  private final KeyValueStore.Table series;
  private final Clock clock;
  private final Gson gson = new Gson();
  private final Object idLock = new Object();

  /** Takes over the store. */
  public RocksControlStore(KeyValueStore store, Clock clock) {
    this.store = store;
    this.records = store.table(RECORDS);
    this.series = store.table(SERIES);
    this.clock = clock;
  }

  @Override
  public long nowMillis() {
    return clock.millis();
  }

  @Override
  public long nextId(String seriesName) throws IOException {
    byte[] key = seriesName.getBytes(StandardCharsets.UTF_8);
    synchronized (idLock) {
      byte[] last = store.get(series, key);
      long next = last == null ? 1 : ByteBuffer.wrap(last).getLong() + 1;
      try (KeyValueStore.Batch batch = store.batch()) {
        batch.put(series, key, ByteBuffer.allocate(Long.BYTES).putLong(next).array());
        store.write(batch, true);
      }
      return next;
    }
  }

  @Override
  public <T> T get(ControlTable<T> table, String key) throws IOException {
    byte[] value = store.get(records, bytes(table, key));
    return value == null ? null : decode(table, key, value);
  }

  @Override
  public <T> List<T> list(ControlTable<T> table, String keyPrefix) throws IOException {
    byte[] from = bytes(table, keyPrefix);
    // Keys are ASCII, so 0xFF is past every key of this prefix.
    byte[] to = Arrays.copyOf(from, from.length + 1);
    to[from.length] = (byte) 0xFF;
    List<T> found = new ArrayList<>();
    try (KeyValueStore.Cursor cursor = store.scan(records, from, to)) {
      while (cursor.next()) {
        found.add(decode(table, new String(cursor.key(), StandardCharsets.UTF_8), cursor.value()));
      }
    }
    return found;
  }

  @Override
  public void commit(ControlChange... changes) throws IOException {
    try (KeyValueStore.Batch batch = store.batch()) {
      for (ControlChange change : changes) {
        byte[] key = bytes(change.table(), change.key());
        if (change instanceof ControlChange.Put<?> put) {
          batch.put(records, key, gson.toJson(put.value()).getBytes(StandardCharsets.UTF_8));
        } else {
          batch.delete(records, key);
        }
      }
      store.write(batch, true);
    }
  }

  @Override
  public void close() throws IOException {
    store.close();
  }

  private <T> T decode(ControlTable<T> table, String key, byte[] value) throws IOException {
    try {
      return gson.fromJson(new String(value, StandardCharsets.UTF_8), table.type());
    } catch (JsonParseException e) {
      throw new IOException(
          "control record " + key + " is damaged: restore the store's control directory", e);
    }
  }

  private static byte[] bytes(ControlTable<?> table, String key) {
    return (table.name() + "/" + key).getBytes(StandardCharsets.UTF_8);
  }
}
