package io.mapfs.node.cache;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.BlockReader;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Verified blocks from memory, from the machine's own disk, or from the appliance, in that order.
 * Safe for concurrent use. A faulty disk never fails a read.
 */
public final class BlockCache implements BlockReader, Prefetcher, Closeable {
  private final CacheCounters counters = new CacheCounters();
  private final RecentBlocks recent;
  private final SegmentStore store;
  private final WriteBehind writer;
  private final BlockFetcher fetcher;

  private BlockCache(BlockCacheOptions options, BlockSource source) throws IOException {
    recent = new RecentBlocks(options.memoryBytes());
    store = SegmentStore.open(options.directory(), options.cacheBytes(), counters);
    // Half of the memory, so that what is queued for the disk is still found in memory.
    writer = new WriteBehind(store, counters, options.memoryBytes() / 2, this::dispatch);
    fetcher = new BlockFetcher(source, recent, writer, counters, options);
    writer.start();
  }

  /**
   * Opens the cache of a directory.
   *
   * @throws IOException if the directory cannot be used, is in use by another daemon, or was
   *     written by a newer release; the message is for the user
   */
  public static BlockCache open(BlockCacheOptions options, BlockSource source) throws IOException {
    return new BlockCache(options, source);
  }

  @Override
  public void read(
      RequestContext context, ReadScope scope, BlockId id, int offsetBytes, ByteBuffer target)
      throws FsException {
    int length = target.remaining();
    if (offsetBytes < 0 || length > BlockId.BLOCK_BYTES - offsetBytes) {
      throw new IllegalArgumentException(
          "no block has bytes " + offsetBytes + " to " + (offsetBytes + (long) length));
    }
    VerifiedBlock block = recent.get(id);
    if (block != null) {
      counters.memoryHits.increment();
    } else if (store.read(id, offsetBytes, target)) {
      counters.diskHits.increment();
      return;
    } else {
      counters.misses.increment();
      block = fetcher.fetch(context, scope, id);
    }
    int available = Math.max(0, Math.min(length, block.content().length - offsetBytes));
    if (available < length && !(scope instanceof ReadScope.Overlay)) {
      throw new FsException(
          Errno.EIO,
          "block "
              + id
              + " has "
              + block.content().length
              + " bytes, its file needs "
              + (offsetBytes + length));
    }
    give(block, Math.min(offsetBytes, block.content().length), available, target);
    for (int i = available; i < length; i++) {
      target.put((byte) 0);
    }
  }

  @Override
  public boolean readAtHand(BlockId id, int offsetBytes, ByteBuffer target) {
    VerifiedBlock block = recent.get(id);
    if (block == null) {
      boolean found = store.read(id, offsetBytes, target);
      counters.diskHits.add(found ? 1 : 0);
      return found;
    }
    if (target.remaining() > block.content().length - offsetBytes) {
      return false;
    }
    counters.memoryHits.increment();
    give(block, offsetBytes, target.remaining(), target);
    return true;
  }

  private void give(VerifiedBlock block, int offsetBytes, int length, ByteBuffer target) {
    target.put(block.content(), offsetBytes, length);
    if (offsetBytes + length == block.content().length) {
      recent.wasRead(block);
    }
  }

  @Override
  public void prefetch(ReadScope scope, Iterable<BlockId> ids) {
    List<BlockHint> hints = new ArrayList<>();
    for (BlockId id : ids) {
      hints.add(new BlockHint(id, BlockId.BLOCK_BYTES));
    }
    prefetch(scope, hints);
  }

  @Override
  public int prefetch(ReadScope scope, List<BlockHint> hints) {
    // The count of hints heard must be one of the caller's list, those on disk included.
    List<BlockHint> missing = new ArrayList<>();
    List<Integer> places = new ArrayList<>();
    for (int i = 0; i < hints.size(); i++) {
      if (!store.contains(hints.get(i).id())) {
        missing.add(hints.get(i));
        places.add(i);
      }
    }
    if (missing.isEmpty()) {
      return hints.size();
    }
    int heard = fetcher.prefetch(scope, missing);
    return heard == missing.size() ? hints.size() : places.get(heard);
  }

  public BlockCacheStatistics statistics() {
    return new BlockCacheStatistics(
        store.blocks(),
        store.usedBytes(),
        counters.memoryHits.sum(),
        counters.diskHits.sum(),
        counters.misses.sum(),
        counters.waitingReaders.get(),
        counters.fetchedBlocks.sum(),
        counters.fetchedStoredBytes.sum(),
        counters.prefetchesDropped.sum(),
        counters.failedFetches.sum(),
        counters.writesSkipped.sum(),
        counters.writeFailures.sum(),
        counters.evictedSegments.sum(),
        counters.corruptCached.get(),
        counters.corruptFetched.get());
  }

  /** Waits until what was fetched is on disk, or was given up. */
  public void awaitWritten() throws InterruptedException {
    writer.awaitIdle();
  }

  /** Ends fetching (readers that wait get EIO), writes what is queued, closes the files. */
  @Override
  public void close() throws IOException {
    fetcher.close();
    writer.close();
    store.close();
  }

  private void dispatch() {
    fetcher.dispatch();
  }
}
