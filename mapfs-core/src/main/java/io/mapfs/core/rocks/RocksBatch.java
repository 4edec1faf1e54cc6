package io.mapfs.core.rocks;

import io.mapfs.core.kv.KeyValueStore.Batch;
import io.mapfs.core.kv.KeyValueStore.Table;
import java.io.IOException;
import java.nio.file.Path;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;

/** A write batch: native memory of its own, independent of the database until written. */
final class RocksBatch implements Batch {
  private final Path directory;
  private final WriteBatch batch = new WriteBatch();

  RocksBatch(Path directory) {
    this.directory = directory;
  }

  @Override
  public Batch put(Table table, byte[] key, byte[] value) throws IOException {
    try {
      batch.put(RocksTable.handle(table), key, value);
      return this;
    } catch (RocksDBException e) {
      throw RocksErrors.translate(directory, e);
    }
  }

  @Override
  public Batch delete(Table table, byte[] key) throws IOException {
    try {
      batch.delete(RocksTable.handle(table), key);
      return this;
    } catch (RocksDBException e) {
      throw RocksErrors.translate(directory, e);
    }
  }

  @Override
  public Batch deleteRange(Table table, byte[] from, byte[] to) throws IOException {
    try {
      batch.deleteRange(RocksTable.handle(table), from, to);
      return this;
    } catch (RocksDBException e) {
      throw RocksErrors.translate(directory, e);
    }
  }

  @Override
  public int count() {
    return batch.count();
  }

  @Override
  public void close() {
    batch.close();
  }

  WriteBatch unwrap() {
    return batch;
  }
}
