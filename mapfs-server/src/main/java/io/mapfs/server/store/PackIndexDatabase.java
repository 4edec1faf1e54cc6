package io.mapfs.server.store;

import io.mapfs.core.block.PackStore;
import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.kv.DamagedStoreException;
import io.mapfs.core.kv.KeyValueStore;
import io.mapfs.core.kv.SetAside;
import io.mapfs.core.rocks.RocksOptions;
import io.mapfs.core.rocks.RocksStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The index of the packs, which says nothing that the packs do not: one that is damaged is set
 * aside at opening, and {@link PackStore} makes it again. Damage that shows later is noted on disk,
 * so that the next opening does this, and is refused in words that say so.
 */
final class PackIndexDatabase implements KeyValueStore {
  private static final Logger LOG = LoggerFactory.getLogger(PackIndexDatabase.class);
  private static final long CACHE_BYTES = 32L << 20;

  /** In the database's directory: damage was found while it was open. */
  private static final String MARK = "DAMAGED";

  private final Path directory;
  private final KeyValueStore store;

  private PackIndexDatabase(Path directory, KeyValueStore store) {
    this.directory = directory;
    this.store = store;
  }

  static PackIndexDatabase open(Path directory) throws IOException {
    if (Files.exists(directory.resolve(MARK))) {
      return anew(directory, "the database in " + directory + " was found damaged");
    }
    try {
      return new PackIndexDatabase(directory, openDatabase(directory));
    } catch (DamagedStoreException e) {
      return anew(directory, e.getMessage());
    }
  }

  private static PackIndexDatabase anew(Path directory, String why) throws IOException {
    Path aside = SetAside.move(directory);
    DurableFiles.syncDirectory(directory.getParent());
    LOG.warn("{}; it is kept as {}, the index is made again from the packs", why, aside);
    return new PackIndexDatabase(directory, openDatabase(directory));
  }

  private static KeyValueStore openDatabase(Path directory) throws IOException {
    return RocksStore.open(
        directory,
        RocksOptions.of(PackStore.TABLES.toArray(new String[0]))
            .withStrictLog()
            .withBlockCacheBytes(CACHE_BYTES));
  }

  private interface Call<T> {
    T run() throws IOException;
  }

  private <T> T noting(Call<T> call) throws IOException {
    try {
      return call.run();
    } catch (DamagedStoreException e) {
      mark(e);
      throw new DamagedStoreException(
          "the index of the packs is damaged: start the appliance anew, it makes the index again"
              + " from the packs ("
              + e.getMessage()
              + ")",
          e);
    }
  }

  private void mark(DamagedStoreException damage) {
    Path mark = directory.resolve(MARK);
    try {
      if (!Files.exists(mark)) {
        DurableFiles.write(mark, new byte[0]);
        LOG.warn("{}; it is made again when the appliance starts anew", damage.getMessage());
      }
    } catch (IOException e) {
      damage.addSuppressed(e);
    }
  }

  @Override
  public Table table(String name) {
    return store.table(name);
  }

  @Override
  public byte[] get(Table table, byte[] key) throws IOException {
    return noting(() -> store.get(table, key));
  }

  @Override
  public Cursor scan(Table table, byte[] from, byte[] to) throws IOException {
    return noting(() -> new NotingCursor(store.scan(table, from, to)));
  }

  @Override
  public Batch batch() {
    return store.batch();
  }

  @Override
  public void write(Batch batch, boolean durable) throws IOException {
    noting(
        () -> {
          store.write(batch, durable);
          return null;
        });
  }

  @Override
  public void flush() throws IOException {
    noting(
        () -> {
          store.flush();
          return null;
        });
  }

  @Override
  public void verify() throws IOException {
    noting(
        () -> {
          store.verify();
          return null;
        });
  }

  @Override
  public void close() throws IOException {
    store.close();
  }

  private final class NotingCursor implements Cursor {
    private final Cursor cursor;

    NotingCursor(Cursor cursor) {
      this.cursor = cursor;
    }

    @Override
    public boolean next() throws IOException {
      return noting(cursor::next);
    }

    @Override
    public byte[] key() {
      return cursor.key();
    }

    @Override
    public byte[] value() {
      return cursor.value();
    }

    @Override
    public void close() {
      cursor.close();
    }
  }
}
