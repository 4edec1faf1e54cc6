package io.mapfs.core.kv;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A key-value store in the heap, for tests. It knows what a power cut would leave: see {@link
 * #afterPowerCut}.
 */
public final class MemoryStore implements KeyValueStore {
  private final Map<String, NavigableMap<Key, byte[]>> rows = new LinkedHashMap<>();
  private final Map<String, NavigableMap<Key, byte[]>> durableRows = new LinkedHashMap<>();

  /** Written, not yet durable. */
  private final List<Operation> pending = new ArrayList<>();

  private boolean closed;

  public MemoryStore(String... tables) {
    for (String table : tables) {
      rows.put(table, new TreeMap<>());
      durableRows.put(table, new TreeMap<>());
    }
  }

  /** A new store with what a power cut now would leave: the durable writes alone. */
  public synchronized MemoryStore afterPowerCut() {
    MemoryStore survivor = new MemoryStore(rows.keySet().toArray(String[]::new));
    durableRows.forEach(
        (table, content) -> {
          survivor.rows.get(table).putAll(content);
          survivor.durableRows.get(table).putAll(content);
        });
    return survivor;
  }

  @Override
  public Table table(String name) {
    if (!rows.containsKey(name)) {
      throw new IllegalArgumentException("table " + name + " was not given at opening");
    }
    return new MemoryTable(name);
  }

  @Override
  public synchronized byte[] get(Table table, byte[] key) {
    requireOpen();
    byte[] value = rows.get(table.name()).get(new Key(key));
    return value == null ? null : value.clone();
  }

  @Override
  public synchronized Cursor scan(Table table, byte[] from, byte[] to) {
    requireOpen();
    SortedMap<Key, byte[]> view = rows.get(table.name()).tailMap(new Key(from), true);
    if (to != null) {
      view = Arrays.compareUnsigned(from, to) < 0 ? view.headMap(new Key(to)) : new TreeMap<>();
    }
    return new MemoryCursor(
        new ArrayList<>(view.entrySet().stream().map(Map.Entry::copyOf).toList()));
  }

  @Override
  public Batch batch() {
    return new MemoryBatch();
  }

  @Override
  public synchronized void write(Batch batch, boolean durable) throws IOException {
    requireOpen();
    MemoryBatch memory = (MemoryBatch) batch;
    for (Operation operation : memory.operations) {
      operation.applyTo(rows);
    }
    pending.addAll(memory.operations);
    if (durable) {
      flush();
    }
  }

  @Override
  public void verify() {
    // What is in the heap is as it was written.
  }

  @Override
  public synchronized void flush() {
    requireOpen();
    for (Operation operation : pending) {
      operation.applyTo(durableRows);
    }
    pending.clear();
  }

  @Override
  public synchronized void close() {
    closed = true;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the store is closed");
    }
  }

  private static final class Key implements Comparable<Key> {
    private final byte[] bytes;

    Key(byte[] bytes) {
      this.bytes = bytes.clone();
    }

    byte[] toBytes() {
      return bytes.clone();
    }

    @Override
    public int compareTo(Key other) {
      return Arrays.compareUnsigned(bytes, other.bytes);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Key that && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(bytes);
    }
  }

  private record MemoryTable(String name) implements Table {}

  @FunctionalInterface
  private interface Operation {
    void applyTo(Map<String, NavigableMap<Key, byte[]>> rows);
  }

  private static final class MemoryBatch implements Batch {
    private final List<Operation> operations = new ArrayList<>();

    @Override
    public Batch put(Table table, byte[] key, byte[] value) {
      Key ownKey = new Key(key);
      byte[] ownValue = value.clone();
      operations.add(rows -> rows.get(table.name()).put(ownKey, ownValue));
      return this;
    }

    @Override
    public Batch delete(Table table, byte[] key) {
      Key ownKey = new Key(key);
      operations.add(rows -> rows.get(table.name()).remove(ownKey));
      return this;
    }

    @Override
    public Batch deleteRange(Table table, byte[] from, byte[] to) {
      Key ownFrom = new Key(from);
      Key ownTo = new Key(to);
      if (ownFrom.compareTo(ownTo) <= 0) {
        operations.add(rows -> rows.get(table.name()).subMap(ownFrom, true, ownTo, false).clear());
      }
      return this;
    }

    @Override
    public int count() {
      return operations.size();
    }

    @Override
    public void close() {}
  }

  private static final class MemoryCursor implements Cursor {
    private final Iterator<Map.Entry<Key, byte[]>> entries;
    private Map.Entry<Key, byte[]> entry;

    MemoryCursor(List<Map.Entry<Key, byte[]>> entries) {
      this.entries = entries.iterator();
    }

    @Override
    public boolean next() {
      entry = entries.hasNext() ? entries.next() : null;
      return entry != null;
    }

    @Override
    public byte[] key() {
      return row().getKey().toBytes();
    }

    @Override
    public byte[] value() {
      return row().getValue().clone();
    }

    private Map.Entry<Key, byte[]> row() {
      if (entry == null) {
        throw new IllegalStateException("cursor is not on a row");
      }
      return entry;
    }

    @Override
    public void close() {}
  }
}
