package io.mapfs.core.rocks;

import io.mapfs.core.kv.KeyValueStore.Cursor;
import java.io.IOException;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;

/** A walk over rows. The store closes it if it is still open when the store closes. */
final class RocksCursor implements Cursor {
  private final RocksStore store;
  private final Slice upperBound;
  private final ReadOptions options;
  private final RocksIterator iterator;
  private final byte[] from;
  private boolean started;

  /** Set under the store's gate. */
  private boolean closed;

  RocksCursor(RocksStore store, RocksDB db, ColumnFamilyHandle handle, byte[] from, byte[] to) {
    this.store = store;
    this.from = from.clone();
    this.upperBound = to == null ? null : new Slice(to);
    this.options = new ReadOptions();
    if (upperBound != null) {
      options.setIterateUpperBound(upperBound);
    }
    this.iterator = db.newIterator(handle, options);
  }

  @Override
  public boolean next() throws IOException {
    return store.reading(
        () -> {
          if (closed) {
            throw new IllegalStateException("cursor is closed");
          }
          if (started) {
            if (!iterator.isValid()) {
              return false;
            }
            iterator.next();
          } else {
            started = true;
            iterator.seek(from);
          }
          if (iterator.isValid()) {
            return true;
          }
          iterator.status();
          return false;
        });
  }

  @Override
  public byte[] key() {
    return store.readingQuietly(
        () -> {
          requireRow();
          return iterator.key();
        });
  }

  @Override
  public byte[] value() {
    return store.readingQuietly(
        () -> {
          requireRow();
          return iterator.value();
        });
  }

  private void requireRow() {
    if (closed || !started || !iterator.isValid()) {
      throw new IllegalStateException("cursor is not on a row");
    }
  }

  @Override
  public void close() {
    store.forget(this);
  }

  /** Frees the native handles, in reverse order; once. The caller holds the store's gate. */
  void closeHandlesLocked() {
    if (closed) {
      return;
    }
    closed = true;
    iterator.close();
    options.close();
    if (upperBound != null) {
      upperBound.close();
    }
  }
}
