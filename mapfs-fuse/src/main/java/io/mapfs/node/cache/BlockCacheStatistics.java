package io.mapfs.node.cache;

/**
 * What a block cache holds and did since it was opened.
 *
 * @param blocks blocks on disk
 * @param usedBytes bytes on disk
 * @param memoryHits reads answered from memory, and {@code diskHits} from disk
 * @param misses reads that waited for the source
 * @param waitingReaders readers that wait for the source now
 * @param fetchedBlocks blocks fetched, and {@code fetchedStoredBytes} their compressed size
 * @param prefetchesDropped hints that found the queue full
 * @param failedFetches requests to the source that failed
 * @param writesSkipped blocks not written to disk because it did not keep up
 * @param writeFailures writes to disk that failed
 * @param evictedSegments files evicted
 * @param corruptCached damaged blocks found on disk, and {@code corruptFetched} from the source
 */
public record BlockCacheStatistics(
    long blocks,
    long usedBytes,
    long memoryHits,
    long diskHits,
    long misses,
    long waitingReaders,
    long fetchedBlocks,
    long fetchedStoredBytes,
    long prefetchesDropped,
    long failedFetches,
    long writesSkipped,
    long writeFailures,
    long evictedSegments,
    long corruptCached,
    long corruptFetched) {}
