package io.mapfs.core.block;

import io.mapfs.core.kv.KeyValueStore;
import io.mapfs.core.kv.KeyValueStore.Batch;
import io.mapfs.core.kv.KeyValueStore.Cursor;
import io.mapfs.core.kv.KeyValueStore.Table;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Where blocks lie, and how far each pack is durable. Table {@code blocks}: id → {@link
 * PackLocation}. Table {@code packs}: number (4) → {@link PackRow}. Table {@code damaged}: id →
 * {@link PackLocation} of a copy that is not what was written.
 */
final class PackIndex {
  static final String BLOCKS = "blocks";
  static final String PACKS = "packs";
  static final String DAMAGED = "damaged";

  private static final int BATCH_MAX = 10_000;

  private final KeyValueStore store;
  private final Table blocks;
  private final Table packs;
  private final Table damaged;

  PackIndex(KeyValueStore store) {
    this.store = store;
    this.blocks = store.table(BLOCKS);
    this.packs = store.table(PACKS);
    this.damaged = store.table(DAMAGED);
  }

  void verify() throws IOException {
    store.verify();
  }

  /** {@code null} where the block is not known. */
  PackLocation get(BlockId id) throws IOException {
    byte[] value = store.get(blocks, id.toBytes());
    return value == null ? null : PackLocation.of(value);
  }

  SortedMap<Integer, PackRow> packs() throws IOException {
    SortedMap<Integer, PackRow> rows = new TreeMap<>();
    try (Cursor cursor = store.scan(packs, new byte[0], null)) {
      while (cursor.next()) {
        rows.put(ByteBuffer.wrap(cursor.key()).getInt(), PackRow.of(cursor.value()));
      }
    }
    return rows;
  }

  /** Durable on return: the blocks, and after them the pack's row. */
  void write(Collection<PackFooter.Entry> entries, int pack, PackRow row) throws IOException {
    Batch batch = store.batch();
    try {
      for (PackFooter.Entry entry : entries) {
        batch.put(blocks, entry.id().toBytes(), entry.location().toBytes());
        if (batch.count() >= BATCH_MAX) {
          store.write(batch, false);
          batch.close();
          batch = store.batch();
        }
      }
      batch.put(packs, ByteBuffer.allocate(Integer.BYTES).putInt(pack).array(), row.toBytes());
      store.write(batch, true);
    } finally {
      batch.close();
    }
  }

  /** Forgets a pack, and blocks with it; durable on return. */
  void remove(int pack, Collection<BlockId> dead) throws IOException {
    try (Batch batch = store.batch()) {
      for (BlockId id : dead) {
        batch.delete(blocks, id.toBytes());
        batch.delete(damaged, id.toBytes());
      }
      batch.delete(packs, ByteBuffer.allocate(Integer.BYTES).putInt(pack).array());
      store.write(batch, true);
    }
  }

  /** Copies that were found damaged. */
  Map<BlockId, PackLocation> damaged() throws IOException {
    Map<BlockId, PackLocation> found = new HashMap<>();
    try (Cursor cursor = store.scan(damaged, new byte[0], null)) {
      while (cursor.next()) {
        found.put(BlockId.of(cursor.key()), PackLocation.of(cursor.value()));
      }
    }
    return found;
  }

  void markDamaged(BlockId id, PackLocation location) throws IOException {
    try (Batch batch = store.batch()) {
      batch.put(damaged, id.toBytes(), location.toBytes());
      store.write(batch, true);
    }
  }

  void unmarkDamaged(BlockId id) throws IOException {
    try (Batch batch = store.batch()) {
      batch.delete(damaged, id.toBytes());
      store.write(batch, false);
    }
  }

  /** Calls for each block that is known, in the order of ids. */
  void forEach(LocationVisitor visitor) throws IOException {
    try (Cursor cursor = store.scan(blocks, new byte[0], null)) {
      while (cursor.next()) {
        visitor.block(BlockId.of(cursor.key()), PackLocation.of(cursor.value()));
      }
    }
  }

  interface LocationVisitor {
    void block(BlockId id, PackLocation location);
  }
}
