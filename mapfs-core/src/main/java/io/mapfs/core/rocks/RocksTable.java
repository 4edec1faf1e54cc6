package io.mapfs.core.rocks;

import io.mapfs.core.kv.KeyValueStore;
import org.rocksdb.ColumnFamilyHandle;

/** A column family of one store. */
record RocksTable(String name, ColumnFamilyHandle handle) implements KeyValueStore.Table {
  static ColumnFamilyHandle handle(KeyValueStore.Table table) {
    if (table instanceof RocksTable rocks) {
      return rocks.handle;
    }
    throw new IllegalArgumentException("table " + table.name() + " is of another store");
  }
}
