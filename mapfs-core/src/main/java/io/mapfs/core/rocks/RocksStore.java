package io.mapfs.core.rocks;

import io.mapfs.core.kv.DamagedStoreException;
import io.mapfs.core.kv.KeyValueStore;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.FlushOptions;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.Status;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteOptions;

/**
 * A {@link KeyValueStore} in one RocksDB database; each table is a column family.
 *
 * <p>Memory is bounded by the options, all tables together. Without a log, {@link #flush} and a
 * durable write bring all tables to disk at one point (atomic_flush), and a crash goes back to such
 * a point.
 */
public final class RocksStore implements KeyValueStore {
  /** Descriptors that RocksDB may keep open; the process has other uses for its limit. */
  private static final int OPEN_FILES_MAX = 256;

  private static final long LOG_BYTES_MAX = 32L << 20;

  /** Files of level 0 at which writes wait for the compaction; RocksDB's own bound. */
  private static final int LEVEL0_FILES_STOP = 36;

  /** How long a write waits for room at most: RocksDB's memtables wait for the disk. */
  private static final long STALL_MILLIS_MAX = 20_000;

  private static final long STALL_PAUSE_MILLIS = 2;

  /** Names the manifest in force. */
  private static final String CURRENT = "CURRENT";

  /**
   * Files of a database that was open once; its first manifest may stem from a crash before that.
   */
  private static final Pattern HELD = Pattern.compile("\\d+\\.(sst|log)|MANIFEST-(?!0*1$)\\d+");

  static {
    RocksDB.loadLibrary();
  }

  /** Loads the native library, if nobody has yet: some tenths of a second. */
  public static void load() {
    // The class's initializer has done it.
  }

  private final Path directory;
  private final boolean log;
  private final RocksHandles handles;
  private final RocksDB db;
  private final Map<String, RocksTable> tables;
  private final WriteOptions lazyWrite;
  private final WriteOptions durableWrite;
  private final FlushOptions flushOptions;

  /** Every native call holds it for reading; {@link #close} for writing. */
  private final ReentrantReadWriteLock gate = new ReentrantReadWriteLock();

  private final Set<RocksCursor> cursors = ConcurrentHashMap.newKeySet();

  /** Protected by the gate. */
  private boolean closed;

  private RocksStore(
      Path directory,
      boolean log,
      RocksHandles handles,
      RocksDB db,
      Map<String, RocksTable> tables) {
    this.directory = directory;
    this.log = log;
    this.handles = handles;
    this.db = db;
    this.tables = tables;
    this.lazyWrite = handles.own(new WriteOptions().setDisableWAL(!log).setNoSlowdown(true));
    this.durableWrite =
        handles.own(new WriteOptions().setDisableWAL(!log).setSync(log).setNoSlowdown(true));
    this.flushOptions = handles.own(new FlushOptions().setWaitForFlush(true));
  }

  /**
   * Opens the database in this directory, or makes one.
   *
   * @throws IOException in one line: in use by another process, damaged, no space
   */
  public static RocksStore open(Path directory, RocksOptions options) throws IOException {
    Files.createDirectories(directory);
    requireCurrent(directory);
    RocksManifest.check(directory.resolve(CURRENT));
    RocksHandles handles = new RocksHandles();
    try {
      return open(directory, options, handles);
    } catch (RocksDBException e) {
      handles.close();
      throw RocksErrors.translate(directory, e);
    } catch (RuntimeException e) {
      handles.close();
      throw e;
    }
  }

  /** Whether there is a database in this directory, whole or not. */
  public static boolean exists(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return false;
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.anyMatch(file -> HELD.matcher(file.getFileName().toString()).matches());
    }
  }

  /**
   * Without the file CURRENT, RocksDB takes the directory for a new database and removes the files
   * of the old one.
   */
  private static void requireCurrent(Path directory) throws IOException {
    if (exists(directory) && !Files.exists(directory.resolve(CURRENT))) {
      throw new DamagedStoreException(
          "the database in " + directory + " is damaged: its file CURRENT is missing", null);
    }
  }

  private static RocksStore open(Path directory, RocksOptions options, RocksHandles handles)
      throws RocksDBException {
    Cache cache = handles.own(new LRUCache(options.blockCacheBytes()));
    BlockBasedTableConfig format =
        new BlockBasedTableConfig()
            .setBlockCache(cache)
            .setBlockSize(8 << 10)
            .setCacheIndexAndFilterBlocks(true)
            .setPinL0FilterAndIndexBlocksInCache(true);
    if (options.bloomBitsPerKey() > 0) {
      format.setFilterPolicy(handles.own(new BloomFilter(options.bloomBitsPerKey())));
    }
    ColumnFamilyOptions family =
        handles.own(
            new ColumnFamilyOptions()
                .setTableFormatConfig(format)
                .setWriteBufferSize(options.memtableBytes())
                .setMaxWriteBufferNumber(2)
                // Writes go on or wait (isTaken); to be slowed down they would have to wait, too.
                .setLevel0SlowdownWritesTrigger(LEVEL0_FILES_STOP)
                .setLevel0StopWritesTrigger(LEVEL0_FILES_STOP)
                .setSoftPendingCompactionBytesLimit(0)
                .setCompressionType(CompressionType.LZ4_COMPRESSION)
                .setLevelCompactionDynamicLevelBytes(true));
    DBOptions database =
        handles.own(
            new DBOptions()
                .setCreateIfMissing(true)
                .setCreateMissingColumnFamilies(true)
                .setAtomicFlush(!options.log())
                .setDbWriteBufferSize(options.memtableBytes())
                .setWalRecoveryMode(
                    options.strictLog()
                        ? WALRecoveryMode.TolerateCorruptedTailRecords
                        : WALRecoveryMode.PointInTimeRecovery)
                .setMaxTotalWalSize(LOG_BYTES_MAX)
                .setMaxOpenFiles(OPEN_FILES_MAX)
                .setMaxBackgroundJobs(2)
                .setBytesPerSync(1 << 20)
                .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                .setMaxLogFileSize(1 << 20)
                .setKeepLogFileNum(2));

    List<ColumnFamilyDescriptor> descriptors = new ArrayList<>();
    for (String name : tableNames(directory, options)) {
      descriptors.add(new ColumnFamilyDescriptor(name.getBytes(StandardCharsets.UTF_8), family));
    }
    List<ColumnFamilyHandle> families = new ArrayList<>();
    RocksDB db = handles.own(RocksDB.open(database, directory.toString(), descriptors, families));
    Map<String, RocksTable> tables = new LinkedHashMap<>();
    for (ColumnFamilyHandle handle : families) {
      handles.own(handle);
      String name = new String(handle.getName(), StandardCharsets.UTF_8);
      tables.put(name, new RocksTable(name, handle));
    }
    tables.keySet().retainAll(options.tables());
    return new RocksStore(directory, options.log(), handles, db, tables);
  }

  /** RocksDB wants every column family that is there named at opening, also those not asked for. */
  private static Set<String> tableNames(Path directory, RocksOptions options)
      throws RocksDBException {
    Set<String> names = new LinkedHashSet<>();
    names.add(new String(RocksDB.DEFAULT_COLUMN_FAMILY, StandardCharsets.UTF_8));
    if (Files.exists(directory.resolve(CURRENT))) {
      try (Options listing = new Options()) {
        for (byte[] name : RocksDB.listColumnFamilies(listing, directory.toString())) {
          names.add(new String(name, StandardCharsets.UTF_8));
        }
      }
    }
    names.addAll(options.tables());
    return names;
  }

  @Override
  public Table table(String name) {
    RocksTable table = tables.get(name);
    if (table == null) {
      throw new IllegalArgumentException("table " + name + " was not given at opening");
    }
    return table;
  }

  @Override
  public byte[] get(Table table, byte[] key) throws IOException {
    return reading(() -> db.get(RocksTable.handle(table), key));
  }

  @Override
  public Cursor scan(Table table, byte[] from, byte[] to) throws IOException {
    return reading(
        () -> {
          RocksCursor cursor = new RocksCursor(this, db, RocksTable.handle(table), from, to);
          cursors.add(cursor);
          return cursor;
        });
  }

  @Override
  public Batch batch() {
    return new RocksBatch(directory);
  }

  @Override
  public void write(Batch batch, boolean durable) throws IOException {
    if (!(batch instanceof RocksBatch rocks)) {
      throw new IllegalArgumentException("batch is of another store");
    }
    WriteOptions options = durable ? durableWrite : lazyWrite;
    long deadlineNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(STALL_MILLIS_MAX);
    while (!reading(() -> isTaken(options, rocks))) {
      if (System.nanoTime() >= deadlineNanos) {
        throw new IOException(
            "the database in " + directory + " takes no writes now: its disk is full, or too slow");
      }
      pause();
    }
    if (durable && !log) {
      flush();
    }
  }

  /**
   * Writes, unless RocksDB wants the caller to wait. A writer that waits within it keeps it from
   * recovering from a full disk (10.10.1: its flush for that waits for the writer), so who has to
   * wait does so here.
   */
  private boolean isTaken(WriteOptions options, RocksBatch batch) throws RocksDBException {
    try {
      db.write(options, batch.unwrap());
      return true;
    } catch (RocksDBException e) {
      if (e.getStatus() != null && e.getStatus().getCode() == Status.Code.Incomplete) {
        return false;
      }
      throw e;
    }
  }

  private void pause() throws IOException {
    try {
      Thread.sleep(STALL_PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while the database in " + directory + " waits");
    }
  }

  @Override
  public void flush() throws IOException {
    reading(
        () -> {
          if (log) {
            db.flushWal(true);
          } else {
            flushTables();
          }
          return null;
        });
  }

  @Override
  public void verify() throws IOException {
    reading(
        () -> {
          db.verifyChecksum();
          return null;
        });
  }

  private void flushTables() throws RocksDBException {
    List<ColumnFamilyHandle> families = new ArrayList<>();
    for (RocksTable table : tables.values()) {
      families.add(table.handle());
    }
    db.flush(flushOptions, families);
  }

  /**
   * Closes the database; cursors that are still open are closed first. A second call is nothing.
   */
  @Override
  public void close() {
    Lock lock = gate.writeLock();
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      cursors.forEach(RocksCursor::closeHandlesLocked);
      cursors.clear();
      handles.close();
    } finally {
      lock.unlock();
    }
  }

  /** Runs a native call while the store is open. */
  <T> T reading(NativeCall<T> call) throws IOException {
    Lock lock = gate.readLock();
    lock.lock();
    try {
      requireOpenLocked();
      return call.call();
    } catch (RocksDBException e) {
      throw RocksErrors.translate(directory, e);
    } finally {
      lock.unlock();
    }
  }

  /** Runs a native call that cannot fail by itself while the store is open. */
  <T> T readingQuietly(Supplier<T> call) {
    Lock lock = gate.readLock();
    lock.lock();
    try {
      requireOpenLocked();
      return call.get();
    } finally {
      lock.unlock();
    }
  }

  private void requireOpenLocked() {
    if (closed) {
      throw new IllegalStateException("the database in " + directory + " is closed");
    }
  }

  void forget(RocksCursor cursor) {
    Lock lock = gate.readLock();
    lock.lock();
    try {
      if (cursors.remove(cursor)) {
        cursor.closeHandlesLocked();
      }
    } finally {
      lock.unlock();
    }
  }

  /** What runs on native handles. */
  interface NativeCall<T> {
    T call() throws RocksDBException, IOException;
  }
}
