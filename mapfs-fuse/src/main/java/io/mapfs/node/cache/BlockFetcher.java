package io.mapfs.node.cache;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.wire.Limits;
import io.mapfs.core.wire.Priority;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings blocks from the source: one fetch a block however many wait for it, merged into batches,
 * what is waited for before what is only expected, a bounded number of batches in flight.
 *
 * <p>A flight is in {@code flights} from the moment that somebody wants the block until it is in
 * memory or has failed. What is only expected keeps off the last batch slot, so that a program
 * never waits for more than one answer to come in.
 *
 * <p>{@code lock} guards the queues; nothing is sent, awaited or decoded under it.
 */
final class BlockFetcher implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(BlockFetcher.class);

  /** Content bytes of one batch ahead: a few milliseconds of the link, so that demand gets in. */
  private static final int PREFETCH_BATCH_BYTES = 1 << 20;

  /** Less than this waits while something is in flight: a request costs as much as some blocks. */
  private static final int PREFETCH_GATHER_BYTES = 256 << 10;

  /** Small blocks are decoded together up to this size: a wake-up for each would cost as much. */
  private static final int DECODED_TOGETHER_BYTES = 128 << 10;

  /** Most blocks queued ahead. */
  private static final int PREFETCH_BLOCKS_MAX = 8192;

  private final BlockSource source;
  private final RecentBlocks recent;
  private final WriteBehind writer;
  private final CacheCounters counters;
  private final Duration deadline;
  private final int batchesMax;
  private final long prefetchBytesMax;
  private final ThreadPoolExecutor decoders;

  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by lock, all of these.
  private final Map<BlockId, Flight> flights = new HashMap<>();
  private final Deque<Flight> demandQueue = new ArrayDeque<>();
  private final Deque<Flight> prefetchQueue = new ArrayDeque<>();
  private long prefetchQueuedBytes;
  private int batchesInFlight;
  private boolean dispatching;
  private boolean dispatchAgain;
  private boolean closed;

  /** One block on its way. Fields that change are guarded by the fetcher's lock. */
  private static final class Flight {
    final BlockId id;
    final ReadScope scope;
    final int rawBytes;
    final CompletableFuture<VerifiedBlock> result = new CompletableFuture<>();
    boolean demanded;

    /** Taken off its queue; an entry of it that another queue still has is passed over. */
    boolean sent;

    /** A batch with it failed; it is asked for once more, by itself. */
    boolean alone;

    Flight(BlockId id, ReadScope scope, int rawBytes, boolean demanded) {
      this.id = id;
      this.scope = scope;
      this.rawBytes = rawBytes;
      this.demanded = demanded;
    }
  }

  /** What is sent with one request. */
  private record Batch(List<Flight> flights, Priority priority) {
    ReadScope scope() {
      return flights.get(0).scope;
    }

    List<BlockId> ids() {
      return flights.stream().map(flight -> flight.id).toList();
    }
  }

  /** Decodes a few blocks; those that are waited for come first. */
  private record Decoding(Priority priority, Runnable work)
      implements Runnable, Comparable<Decoding> {
    @Override
    public void run() {
      work.run();
    }

    @Override
    public int compareTo(Decoding other) {
      return priority.compareTo(other.priority);
    }
  }

  BlockFetcher(
      BlockSource source,
      RecentBlocks recent,
      WriteBehind writer,
      CacheCounters counters,
      BlockCacheOptions options) {
    this.source = source;
    this.recent = recent;
    this.writer = writer;
    this.counters = counters;
    this.deadline = options.deadline();
    this.batchesMax = options.batchesMax();
    this.prefetchBytesMax = options.memoryBytes() / 2;
    AtomicInteger threads = new AtomicInteger();
    // The queue holds at most the blocks of the batches in flight.
    this.decoders =
        new ThreadPoolExecutor(
            options.decodeThreads(),
            options.decodeThreads(),
            10,
            TimeUnit.SECONDS,
            new PriorityBlockingQueue<>(),
            work -> {
              Thread thread = new Thread(work, "block-decoder-" + threads.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    decoders.allowCoreThreadTimeOut(true);
  }

  /** Waits for a block to be fetched, for as long as the deadline. */
  VerifiedBlock fetch(RequestContext context, ReadScope scope, BlockId id) throws FsException {
    long end = System.nanoTime() + deadline.toNanos();
    while (true) {
      VerifiedBlock here;
      Flight flight = null;
      boolean joined = false;
      lock.lock();
      try {
        // Under the lock, because a flight ends by putting its block there.
        here = recent.get(id);
        if (here == null) {
          joined = flights.containsKey(id);
          flight = demandLocked(scope, id);
        }
      } finally {
        lock.unlock();
      }
      if (here != null) {
        return here;
      }
      dispatch();
      try {
        return await(context, flight, end - System.nanoTime());
      } catch (ExecutionException e) {
        Throwable root = rootOf(e);
        // Another's flight may have had no right to the block, or was near its own deadline.
        boolean again = !flight.scope.equals(scope) || (joined && root instanceof TimeoutException);
        if (!again) {
          throw new FsException(
              Errno.EIO, "block " + id + " cannot be fetched: " + root.getMessage(), e);
        }
      }
    }
  }

  private Flight demandLocked(ReadScope scope, BlockId id) throws FsException {
    if (closed) {
      throw new FsException(Errno.EIO, "the block cache is closed");
    }
    Flight flight = flights.get(id);
    if (flight == null) {
      flight = new Flight(id, scope, BlockId.BLOCK_BYTES, true);
      flights.put(id, flight);
      demandQueue.add(flight);
    } else if (!flight.demanded) {
      flight.demanded = true;
      if (!flight.sent) {
        demandQueue.add(flight);
      }
    }
    return flight;
  }

  private VerifiedBlock await(RequestContext context, Flight flight, long nanos)
      throws FsException, ExecutionException {
    // A copy of the future, so that giving up ends this wait only.
    CompletableFuture<VerifiedBlock> answer = flight.result.copy();
    context.onInterrupt(() -> answer.cancel(false));
    counters.waitingReaders.incrementAndGet();
    try {
      return answer.get(nanos, TimeUnit.NANOSECONDS);
    } catch (CancellationException e) {
      throw new FsException(Errno.EINTR, "gave up waiting for block " + flight.id);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FsException(Errno.EINTR, "gave up waiting for block " + flight.id);
    } catch (TimeoutException e) {
      throw new FsException(
          Errno.EIO, "block " + flight.id + " did not come within " + deadline.toSeconds() + " s");
    } finally {
      counters.waitingReaders.decrementAndGet();
      context.onInterrupt(null);
    }
  }

  /** Queues blocks that are not here; returns how many hints were heard before it was full. */
  int prefetch(ReadScope scope, List<BlockHint> missing) {
    int heard = 0;
    lock.lock();
    try {
      if (closed) {
        return missing.size();
      }
      for (BlockHint hint : missing) {
        if (!flights.containsKey(hint.id()) && !recent.contains(hint.id())) {
          if (prefetchQueuedBytes + hint.rawBytes() > prefetchBytesMax
              || prefetchQueue.size() >= PREFETCH_BLOCKS_MAX) {
            counters.prefetchesDropped.add(missing.size() - heard);
            break;
          }
          Flight flight = new Flight(hint.id(), scope, hint.rawBytes(), false);
          flights.put(hint.id(), flight);
          prefetchQueue.add(flight);
          prefetchQueuedBytes += flight.rawBytes;
        }
        heard++;
      }
    } finally {
      lock.unlock();
    }
    dispatch();
    return heard;
  }

  /** Sends what can be sent. One thread at a time; the others leave it a note. */
  void dispatch() {
    lock.lock();
    try {
      if (dispatching) {
        dispatchAgain = true;
        return;
      }
      dispatching = true;
    } finally {
      lock.unlock();
    }
    while (true) {
      boolean writerBehind = writer.isBehind();
      Batch batch;
      lock.lock();
      try {
        batch = nextBatchLocked(writerBehind);
        if (batch != null) {
          batchesInFlight++;
        } else if (!dispatchAgain) {
          dispatching = false;
          return;
        }
        dispatchAgain = false;
      } finally {
        lock.unlock();
      }
      if (batch != null) {
        send(batch);
      }
    }
  }

  private Batch nextBatchLocked(boolean writerBehind) {
    if (closed || batchesInFlight >= batchesMax) {
      return null;
    }
    List<Flight> taken = new ArrayList<>();
    takeLocked(demandQueue, Limits.MAX_GET_BYTES, taken);
    if (!taken.isEmpty()) {
      return new Batch(taken, Priority.DEMAND);
    }
    if (writerBehind || (batchesInFlight >= batchesMax - 1 && batchesMax > 1)) {
      return null;
    }
    if (batchesInFlight > 0 && prefetchQueuedBytes < PREFETCH_GATHER_BYTES) {
      // The end of a batch asks again; until then there may be more to ask for.
      return null;
    }
    takeLocked(prefetchQueue, PREFETCH_BATCH_BYTES, taken);
    return taken.isEmpty() ? null : new Batch(taken, Priority.PREFETCH);
  }

  /** Takes flights of one scope off the head of a queue. */
  private void takeLocked(Deque<Flight> queue, int bytesMax, List<Flight> taken) {
    long bytes = 0;
    while (!queue.isEmpty() && taken.size() < Limits.MAX_IDS) {
      Flight head = queue.peek();
      boolean fits =
          taken.isEmpty()
              || (bytes + head.rawBytes <= bytesMax
                  && !head.alone
                  && !taken.get(0).alone
                  && head.scope.equals(taken.get(0).scope));
      if (!head.sent && !fits) {
        return;
      }
      queue.remove();
      if (queue == prefetchQueue) {
        prefetchQueuedBytes -= head.rawBytes;
      }
      if (!head.sent) {
        head.sent = true;
        bytes += head.rawBytes;
        taken.add(head);
      }
    }
  }

  private void send(Batch batch) {
    CompletableFuture<List<StoredBlock>> answer;
    try {
      answer = source.fetch(batch.scope(), batch.ids(), batch.priority());
    } catch (RuntimeException e) {
      answer = CompletableFuture.failedFuture(e);
    }
    CompletableFuture<List<StoredBlock>> asked = answer;
    // Failures are told to the flights' futures; the chain's own end has nothing more to say.
    CompletableFuture<?> unused =
        asked
            .copy()
            .orTimeout(deadline.toMillis(), TimeUnit.MILLISECONDS)
            .whenComplete(
                (blocks, failure) -> {
                  if (failure instanceof TimeoutException) {
                    asked.cancel(true);
                  }
                  arrived(batch, blocks, failure);
                });
  }

  private void arrived(Batch batch, List<StoredBlock> blocks, Throwable failure) {
    List<Flight> asked = batch.flights();
    Throwable fault = failure;
    if (fault == null && blocks.size() != asked.size()) {
      fault =
          new IOException(
              "the appliance sent " + blocks.size() + " blocks instead of " + asked.size());
    }
    if (fault != null) {
      failed(batch, fault);
      batchDone();
      return;
    }
    AtomicInteger left = new AtomicInteger(asked.size());
    for (int next = 0; next < asked.size(); ) {
      int first = next;
      int bytes = 0;
      while (next < asked.size() && bytes < DECODED_TOGETHER_BYTES) {
        bytes += blocks.get(next++).rawBytes();
      }
      int end = next;
      decoders.execute(
          new Decoding(
              batch.priority(),
              () -> {
                for (int i = first; i < end; i++) {
                  decode(asked.get(i), blocks.get(i));
                }
                if (left.addAndGet(first - end) == 0) {
                  batchDone();
                }
              }));
    }
  }

  private void batchDone() {
    lock.lock();
    try {
      batchesInFlight--;
    } finally {
      lock.unlock();
    }
    dispatch();
  }

  private void decode(Flight flight, StoredBlock stored) {
    VerifiedBlock block;
    try {
      block = VerifiedBlock.decode(flight.id, stored);
    } catch (CorruptBlockException e) {
      if (counters.corruptFetched.getAndIncrement() == 0) {
        LOG.warn("{}; verify the appliance's store", e.getMessage());
      }
      fail(flight, e);
      return;
    } catch (RuntimeException | OutOfMemoryError e) {
      fail(flight, e);
      return;
    }
    counters.fetchedBlocks.increment();
    counters.fetchedStoredBytes.add(stored.payload().remaining());
    lock.lock();
    try {
      recent.put(block);
      flights.remove(flight.id, flight);
    } finally {
      lock.unlock();
    }
    writer.offer(block);
    flight.result.complete(block);
  }

  /**
   * One bad block fails its whole batch, so those that are waited for get a second, lone chance.
   */
  private void failed(Batch batch, Throwable failure) {
    counters.failedFetches.increment();
    boolean again = batch.flights().size() > 1 && !(failure instanceof TimeoutException);
    for (Flight flight : batch.flights()) {
      boolean requeued = false;
      lock.lock();
      try {
        if (again && flight.demanded && !closed) {
          flight.alone = true;
          flight.sent = false;
          demandQueue.add(flight);
          requeued = true;
        }
      } finally {
        lock.unlock();
      }
      if (!requeued) {
        fail(flight, failure);
      }
    }
  }

  private void fail(Flight flight, Throwable failure) {
    lock.lock();
    try {
      flights.remove(flight.id, flight);
    } finally {
      lock.unlock();
    }
    flight.result.completeExceptionally(failure);
  }

  private static Throwable rootOf(Throwable failure) {
    Throwable root = failure;
    while ((root instanceof ExecutionException || root instanceof CompletionException)
        && root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  /** Fails all who wait. Answers that still come in are dropped. */
  @Override
  public void close() {
    List<Flight> abandoned;
    lock.lock();
    try {
      closed = true;
      abandoned = new ArrayList<>(flights.values());
      demandQueue.clear();
      prefetchQueue.clear();
    } finally {
      lock.unlock();
    }
    for (Flight flight : abandoned) {
      fail(flight, new IOException("the block cache is closed"));
    }
  }
}
