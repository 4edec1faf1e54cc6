package io.mapfs.node.cache;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** What happened since the cache was opened; counts, and bytes where the name says so. */
final class CacheCounters {
  final LongAdder memoryHits = new LongAdder();
  final LongAdder diskHits = new LongAdder();
  final LongAdder misses = new LongAdder();
  final LongAdder fetchedBlocks = new LongAdder();
  final LongAdder fetchedStoredBytes = new LongAdder();
  final LongAdder prefetchesDropped = new LongAdder();
  final LongAdder failedFetches = new LongAdder();
  final LongAdder writesSkipped = new LongAdder();
  final LongAdder writeFailures = new LongAdder();
  final LongAdder evictedSegments = new LongAdder();
  final AtomicLong waitingReaders = new AtomicLong();
  final AtomicLong corruptCached = new AtomicLong();
  final AtomicLong corruptFetched = new AtomicLong();
}
