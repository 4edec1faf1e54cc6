package io.mapfs.core.kv;

import java.io.Closeable;
import java.io.IOException;

/**
 * Ordered byte keys in tables. Keys compare by unsigned bytes. Safe for concurrent use; iterators
 * and batches belong to one thread. Whoever opens closes.
 */
public interface KeyValueStore extends Closeable {
  /** The table of this name, which was given when the store was opened. */
  Table table(String name);

  /** The value, or {@code null}. */
  byte[] get(Table table, byte[] key) throws IOException;

  /**
   * Rows of a table from {@code from} (inclusive) to {@code to} (exclusive; {@code null}: the end).
   */
  Cursor scan(Table table, byte[] from, byte[] to) throws IOException;

  Batch batch();

  /**
   * Writes a batch, whole or not at all.
   *
   * @param durable whether it and all before it survive a power cut on return
   */
  void write(Batch batch, boolean durable) throws IOException;

  /** Makes everything written so far survive a power cut, also where the store keeps no log. */
  void flush() throws IOException;

  /**
   * Reads all that is on disk once and checks it against its checksums.
   *
   * @throws DamagedStoreException if something is not as it was written
   */
  void verify() throws IOException;

  /** A named table. */
  interface Table {
    String name();
  }

  /** Changes that are written together, in order. */
  interface Batch extends AutoCloseable {
    Batch put(Table table, byte[] key, byte[] value) throws IOException;

    Batch delete(Table table, byte[] key) throws IOException;

    /** Deletes from {@code from} (inclusive) to {@code to} (exclusive). */
    Batch deleteRange(Table table, byte[] from, byte[] to) throws IOException;

    int count();

    @Override
    void close();
  }

  /** A walk over a consistent view of rows. Starts before the first row. */
  interface Cursor extends AutoCloseable {
    /** Moves on; false at the end. */
    boolean next() throws IOException;

    byte[] key();

    byte[] value();

    @Override
    void close();
  }
}
