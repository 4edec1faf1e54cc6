package io.mapfs.node.cache;

import java.nio.file.Path;
import java.time.Duration;

/**
 * What a block cache may use.
 *
 * @param directory its own directory, made if it is missing
 * @param cacheBytes most bytes of its files together
 * @param memoryBytes most bytes of blocks kept in memory: those just fetched, being written behind
 *     or about to be read
 * @param deadline longest wait of a reader for one block that is not here
 * @param batchesMax most requests in flight at the source
 * @param decodeThreads threads that decompress and verify
 */
public record BlockCacheOptions(
    Path directory,
    long cacheBytes,
    int memoryBytes,
    Duration deadline,
    int batchesMax,
    int decodeThreads) {
  /** Least size of a cache in bytes. */
  public static final long CACHE_BYTES_MIN = 16L << 20;

  private static final int MEMORY_BYTES_MIN = 4 << 20;

  public BlockCacheOptions {
    if (cacheBytes < CACHE_BYTES_MIN) {
      throw new IllegalArgumentException(
          "a block cache needs at least 16 MiB, not " + cacheBytes + " bytes; raise its size");
    }
    if (memoryBytes < MEMORY_BYTES_MIN || batchesMax < 1 || decodeThreads < 1) {
      throw new IllegalArgumentException(
          "a block cache needs 4 MiB of memory, a batch and a thread at least");
    }
  }

  /**
   * The defaults: 16 MiB in memory, a deadline of 30 s, six batches, a thread a core up to four.
   */
  public static BlockCacheOptions of(Path directory, long cacheBytes) {
    int cores = Runtime.getRuntime().availableProcessors();
    return new BlockCacheOptions(
        directory, cacheBytes, 16 << 20, Duration.ofSeconds(30), 6, Math.min(4, cores));
  }

  public BlockCacheOptions withDeadline(Duration value) {
    return new BlockCacheOptions(
        directory, cacheBytes, memoryBytes, value, batchesMax, decodeThreads);
  }
}
