package io.mapfs.core.rocks;

import java.util.List;

/**
 * How a {@link RocksStore} is opened.
 *
 * @param tables names of the tables (column families); missing ones are created
 * @param log whether a write-ahead log is kept. Without one, only {@link RocksStore#flush} (and a
 *     durable write, which flushes) makes writes survive, all tables together at one point
 * @param strictLog whether a damaged log is refused, but for a torn last write. Else it is read up
 *     to the damage: right where writes that are not durable may be missing after a crash
 * @param blockCacheBytes bound of the cache of blocks, indexes and filters, all tables together
 * @param memtableBytes bound of the writes that are held in memory, all tables together
 * @param bloomBitsPerKey size of the filters that answer a miss without a read; 0 for none
 */
public record RocksOptions(
    List<String> tables,
    boolean log,
    boolean strictLog,
    long blockCacheBytes,
    long memtableBytes,
    int bloomBitsPerKey) {

  public RocksOptions {
    tables = List.copyOf(tables);
    if (tables.isEmpty()) {
      throw new IllegalArgumentException("a store needs at least one table");
    }
    if (blockCacheBytes < 1 || memtableBytes < 1 || bloomBitsPerKey < 0) {
      throw new IllegalArgumentException("sizes must be positive");
    }
  }

  /** Small defaults: with a log, 16 MiB of cache, 8 MiB of memtables, 10 filter bits. */
  public static RocksOptions of(String... tables) {
    return new RocksOptions(List.of(tables), true, false, 16L << 20, 8L << 20, 10);
  }

  public RocksOptions withoutLog() {
    return new RocksOptions(tables, false, false, blockCacheBytes, memtableBytes, bloomBitsPerKey);
  }

  public RocksOptions withStrictLog() {
    return new RocksOptions(tables, log, true, blockCacheBytes, memtableBytes, bloomBitsPerKey);
  }

  public RocksOptions withBlockCacheBytes(long bytes) {
    return new RocksOptions(tables, log, strictLog, bytes, memtableBytes, bloomBitsPerKey);
  }

  public RocksOptions withMemtableBytes(long bytes) {
    return new RocksOptions(tables, log, strictLog, blockCacheBytes, bytes, bloomBitsPerKey);
  }
}
