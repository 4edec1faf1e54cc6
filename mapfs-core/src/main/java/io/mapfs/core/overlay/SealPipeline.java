package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.CanonicalOrder;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.overlay.OpenBatch.Cut;
import io.mapfs.core.overlay.OpenBatch.PendingWrite;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way of a cut batch: hashed and numbered (sealed), appended to the local journal, applied to
 * the index, sent to the appliance, acknowledged.
 *
 * <p>Two threads: one seals (and compacts the page log between two records), one sends. Both retry what fails, with growing pauses, for ever;
 * nothing is discarded. What waits for them is bounded in time and can be interrupted. A fence ends
 * the sending, and everything that waits for it fails.
 *
 * <p>Lock: one, with one condition; never held over I/O. Batches are cut under the tree lock, so
 * {@link #submit} takes this lock under that one, and nothing here takes the tree lock but through
 * {@link #cutter}, which is called without this lock.
 */
final class SealPipeline {
  private static final Logger LOG = LoggerFactory.getLogger(SealPipeline.class);

  /** Most batches that wait to be sealed; past it, operations wait before they change anything. */
  private static final int QUEUED_CUTS_MAX = 16;

  /** Most records that the appliance has not acknowledged; past it, operations wait, too. */
  private static final int UNACKNOWLEDGED_RECORDS_MAX = 4_096;

  /** Most records that are sent and not yet acknowledged. */
  private static final int WINDOW_RECORDS = 8;

  /** Most page bytes that are sent and not yet acknowledged; one record may pass it. */
  private static final long WINDOW_BYTES = 32L << 20;

  private static final long PAUSE_MILLIS_MIN = 100;
  private static final long PAUSE_MILLIS_MAX = 5_000;

  /** Cuts the open batch if it is old enough; called by the sealing thread. */
  interface Cutter {
    void cutIfOlderThan(long nanos);
  }

  /** A record on its way; its bytes are in the journal and the page log. */
  private static final class Unacknowledged {
    final long batch;
    final long sequence;
    final int pages;
    boolean sent;

    /** Counts attempts, so that a late answer to an earlier one is not taken for this one's. */
    int attempt;

    Unacknowledged(long batch, long sequence, int pages) {
      this.batch = batch;
      this.sequence = sequence;
      this.pages = pages;
    }
  }

  private final OverlayState state;
  private final OverlayConfig config;
  private final JournalShipper shipper;
  private final Cutter cutter;
  private final PageCompactor compactor;
  private final Thread sealer;
  private final Thread sender;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** Last record that the index has on disk; used by the sealing thread alone. */
  private long flushedSequence;

  // Protected by the lock.
  private final Deque<Cut> cuts = new ArrayDeque<>();
  private final Deque<Unacknowledged> unacknowledged = new ArrayDeque<>();
  private OverlayPosition position;
  private long lastSubmittedBatch = -1;
  private long sealedBatch = -1;
  private long acknowledgedBatch = -1;
  private long acknowledgedSequence;
  private long unacknowledgedPages;
  private int inFlightRecords;
  private long inFlightPages;
  private String sealFailure;
  private String sendFailure;
  private FencedException fence;

  /** After a failure nothing is sent until what is in flight has been answered. */
  private boolean drainFirst;

  private boolean stopped;
  private long pauseMillis;

  SealPipeline(
      OverlayState state,
      OverlayConfig config,
      JournalShipper shipper,
      Cutter cutter,
      PageCompactor compactor) {
    this.state = state;
    this.config = config;
    this.shipper = shipper;
    this.cutter = cutter;
    this.compactor = compactor;
    this.position = state.position();
    this.acknowledgedSequence = position.sequence();
    this.flushedSequence = position.sequence();
    this.sealer = new Thread(this::runSealer, "mapfs-seal-" + position.node());
    this.sender = new Thread(this::runSender, "mapfs-ship-" + position.node());
    sealer.setDaemon(true);
    sender.setDaemon(true);
  }

  void start() {
    sealer.start();
    sender.start();
  }

  // ---- what operations call ----

  /** Takes a cut batch over. Called in the order of cutting, under the tree lock. */
  void submit(Cut cut) {
    lock.lock();
    try {
      lastSubmittedBatch = cut.batch();
      unacknowledgedPages += cut.pages();
      cuts.add(cut);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** The last batch that was cut; what an fsync now has to wait for. -1 for none. */
  long lastSubmittedBatch() {
    lock.lock();
    try {
      return lastSubmittedBatch;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until a writer may go on: bounded queues, bounded unacknowledged bytes.
   *
   * @throws FsException EINTR, or EIO after the limit
   */
  void awaitRoom(RequestContext context) throws FsException {
    await(
        context,
        () ->
            cuts.size() <= QUEUED_CUTS_MAX
                && unacknowledged.size() <= UNACKNOWLEDGED_RECORDS_MAX
                && unacknowledgedPages * Change.PAGE_BYTES <= config.unacknowledgedBytesMax(),
        "room for changes",
        true);
  }

  /** Waits until the batch is in the local journal (not yet durable there). */
  void awaitSealed(RequestContext context, long batch) throws FsException {
    await(context, () -> sealedBatch >= batch, "the local journal", false);
  }

  /** Waits until the batch and all before it are durable at the appliance. */
  void awaitAcknowledged(RequestContext context, long batch) throws FsException {
    await(context, () -> acknowledgedBatch >= batch, "the appliance", true);
  }

  private interface Done {
    boolean isDone();
  }

  /**
   * @param fenceEnds whether a fence keeps it from ever being done
   */
  private void await(RequestContext context, Done done, String what, boolean fenceEnds)
      throws FsException {
    lock.lock();
    try {
      if (done.isDone()) {
        return;
      }
    } finally {
      lock.unlock();
    }
    context.onInterrupt(this::wakeAll);
    long limit = TimeUnit.MILLISECONDS.toNanos(config.waitLimitMillis());
    long left = limit;
    lock.lock();
    try {
      long progress = acknowledgedSequence;
      while (!done.isDone()) {
        if (progress != acknowledgedSequence) {
          // The limit is for an appliance that does not answer, not for a long queue.
          progress = acknowledgedSequence;
          left = limit;
        }
        if (context.isInterrupted()) {
          throw new FsException(Errno.EINTR, "interrupted waiting for " + what);
        }
        if (fence != null && fenceEnds) {
          throw new FsException(Errno.EIO, fence.getMessage(), fence);
        }
        if (stopped || left <= 0) {
          String why = sealFailure != null ? sealFailure : sendFailure;
          throw new FsException(
              Errno.EIO, "gave up waiting for " + what + (why == null ? "" : ": " + why));
        }
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FsException(Errno.EINTR, "interrupted waiting for " + what, e);
    } finally {
      lock.unlock();
      context.onInterrupt(null);
    }
  }

  private void wakeAll() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** What the pipeline is failing with, or {@code null}. */
  String failure() {
    lock.lock();
    try {
      if (fence != null) {
        return fence.getMessage();
      }
      return sealFailure != null ? sealFailure : sendFailure;
    } finally {
      lock.unlock();
    }
  }

  long acknowledgedBatch() {
    lock.lock();
    try {
      return acknowledgedBatch;
    } finally {
      lock.unlock();
    }
  }

  long sealedBatch() {
    lock.lock();
    try {
      return sealedBatch;
    } finally {
      lock.unlock();
    }
  }

  OverlayPosition position() {
    lock.lock();
    try {
      return position;
    } finally {
      lock.unlock();
    }
  }

  long acknowledgedSequence() {
    lock.lock();
    try {
      return acknowledgedSequence;
    } finally {
      lock.unlock();
    }
  }

  long unacknowledgedPages() {
    lock.lock();
    try {
      return unacknowledgedPages;
    } finally {
      lock.unlock();
    }
  }

  /** Ends both threads; what is not sealed or acknowledged by now stays so. */
  void stop() {
    lock.lock();
    try {
      stopped = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    join(sealer);
    join(sender);
  }

  private static void join(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- sealing ----

  private void runSealer() {
    long interval = TimeUnit.MILLISECONDS.toNanos(config.sealIntervalMillis());
    long pause = PAUSE_MILLIS_MIN;
    while (true) {
      Cut cut;
      lock.lock();
      try {
        if (cuts.isEmpty() && !stopped && !compactor.isBusy()) {
          changed.awaitNanos(Math.max(1, interval / 4));
        }
        if (stopped) {
          return;
        }
        cut = cuts.peek();
      } catch (InterruptedException e) {
        return;
      } finally {
        lock.unlock();
      }
      try {
        state.numbers().extendIfLow();
        if (cut == null) {
          cutter.cutIfOlderThan(interval);
          compactor.step(0);
          continue;
        }
        seal(cut);
        compactor.step(cut.pages());
        pause = PAUSE_MILLIS_MIN;
      } catch (FsException | IOException e) {
        LOG.error("cannot seal changes, will try again: {}", e.getMessage());
        if (!pauseAfterFailure(e.getMessage(), pause)) {
          return;
        }
        pause = Math.min(2 * pause, PAUSE_MILLIS_MAX);
      }
    }
  }

  private boolean pauseAfterFailure(String message, long millis) {
    lock.lock();
    try {
      sealFailure = message;
      long left = TimeUnit.MILLISECONDS.toNanos(millis);
      while (left > 0 && !stopped) {
        left = changed.awaitNanos(left);
      }
      return !stopped;
    } catch (InterruptedException e) {
      return false;
    } finally {
      lock.unlock();
    }
  }

  private void seal(Cut cut) throws FsException, IOException {
    OverlayPosition before = position();
    SealedRecord sealed;
    if (state.journal().lastSequence() > before.sequence()) {
      // An earlier attempt got as far as the journal: that is the record.
      sealed = state.journal().read(before.sequence() + 1);
    } else {
      sealed = hash(cut, before);
      state.journal().append(sealed);
    }
    OverlayPosition after = before.after(sealed.record());
    state.index().apply(sealed.record().changes(), sealed.pages(), after);
    lock.lock();
    try {
      position = after;
      cuts.remove();
      sealedBatch = cut.batch();
      sealFailure = null;
      unacknowledged.add(new Unacknowledged(cut.batch(), after.sequence(), cut.pages()));
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      trimJournal(after.sequence());
    } catch (IOException e) {
      // The record is sealed whatever this says; the journal only stays longer.
      LOG.warn("the local journal cannot be trimmed now: {}", e.getMessage());
    }
  }

  /** A journal segment goes when the index no longer needs it as a log and the appliance has it. */
  private void trimJournal(long appliedSequence) throws IOException {
    long lastOfOldest = state.journal().lastOfOldestFullSegment();
    if (lastOfOldest == 0 || lastOfOldest > acknowledgedSequence()) {
      return;
    }
    if (flushedSequence < lastOfOldest) {
      state.index().flush();
      flushedSequence = appliedSequence;
    }
    state.journal().dropThrough(Math.min(flushedSequence, acknowledgedSequence()));
  }

  private SealedRecord hash(Cut cut, OverlayPosition before) throws FsException {
    List<Change> changes = new ArrayList<>(cut.changes());
    ByteBuffer pages = ByteBuffer.allocate(cut.pages() * Change.PAGE_BYTES);
    for (SlotRun run : cut.slots()) {
      pages.limit(pages.position() + run.count() * Change.PAGE_BYTES);
      state.pageLog().read(run.slot(), 0, pages);
    }
    pages.flip();
    PageHasher hasher = new PageHasher();
    for (PendingWrite write : cut.writes()) {
      byte[] hashes = hasher.hash(pages, write.pageCount());
      changes.add(new Change.WritePages(write.ino(), write.firstPage(), hashes));
    }
    changes.sort(CanonicalOrder.INSTANCE);
    JournalRecord record =
        new JournalRecord(
            before.node(),
            before.epoch(),
            before.sequence() + 1,
            before.hash(),
            System.currentTimeMillis(),
            changes);
    return new SealedRecord(record, cut.slots());
  }

  // ---- sending ----

  private void runSender() {
    while (true) {
      Unacknowledged next;
      int attempt;
      lock.lock();
      try {
        next = nextToSend();
        while (next == null && !stopped) {
          changed.await();
          next = nextToSend();
        }
        if (stopped) {
          return;
        }
        next.sent = true;
        attempt = ++next.attempt;
        inFlightRecords++;
        inFlightPages += next.pages;
      } catch (InterruptedException e) {
        return;
      } finally {
        lock.unlock();
      }
      send(next, attempt);
    }
  }

  /** The oldest record not sent, if the window has room and no failure is being waited out. */
  private Unacknowledged nextToSend() {
    if (inFlightRecords == 0) {
      drainFirst = false;
    }
    if (fence != null
        || drainFirst
        || inFlightRecords >= WINDOW_RECORDS
        || inFlightPages * Change.PAGE_BYTES >= WINDOW_BYTES) {
      return null;
    }
    for (Unacknowledged record : unacknowledged) {
      if (!record.sent) {
        return record;
      }
    }
    return null;
  }

  private void send(Unacknowledged next, int attempt) {
    CompletableFuture<Void> result;
    try {
      SealedRecord sealed = state.journal().read(next.sequence);
      List<ByteBuffer> pages = OverlayState.readPages(state.pageLog(), sealed);
      result = shipper.ship(sealed.record(), pages);
    } catch (FsException | IOException | RuntimeException e) {
      result = CompletableFuture.failedFuture(e);
    }
    CompletableFuture<Void> unused =
        result.whenComplete((nothing, failure) -> answered(next, attempt, failure));
  }

  private void answered(Unacknowledged record, int attempt, Throwable failure) {
    long acknowledged = -1;
    lock.lock();
    try {
      inFlightRecords--;
      inFlightPages -= record.pages;
      if (record.attempt != attempt) {
        return;
      }
      if (failure == null) {
        sendFailure = null;
        pauseMillis = 0;
        acknowledgeThrough(record);
        acknowledged = acknowledgedBatch;
      } else {
        failed(record, failure);
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (acknowledged >= 0) {
      state.pageLog().acknowledged(acknowledged);
    }
  }

  /** The appliance takes records in order only: an answer to one is an answer to all before it. */
  private void acknowledgeThrough(Unacknowledged record) {
    while (!unacknowledged.isEmpty() && unacknowledged.peek().sequence <= record.sequence) {
      Unacknowledged done = unacknowledged.remove();
      acknowledgedBatch = Math.max(acknowledgedBatch, done.batch);
      acknowledgedSequence = Math.max(acknowledgedSequence, done.sequence);
      unacknowledgedPages -= done.pages;
    }
  }

  private void failed(Unacknowledged record, Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    sendFailure = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    if (cause instanceof FencedException fenced) {
      LOG.error("the overlay is fenced: {}", fenced.getMessage());
      fence = fenced;
      return;
    }
    LOG.warn("record {} did not reach the appliance: {}", record.sequence, sendFailure);
    // All from here on are sent again, in order, once the pause is over.
    drainFirst = true;
    pauseMillis = Math.min(Math.max(2 * pauseMillis, PAUSE_MILLIS_MIN), PAUSE_MILLIS_MAX);
    for (Unacknowledged later : unacknowledged) {
      if (later.sequence >= record.sequence) {
        later.attempt++;
      }
    }
    CompletableFuture.delayedExecutor(pauseMillis, TimeUnit.MILLISECONDS)
        .execute(() -> sendAgainFrom(record.sequence));
  }

  private void sendAgainFrom(long sequence) {
    lock.lock();
    try {
      for (Unacknowledged later : unacknowledged) {
        if (later.sequence >= sequence) {
          later.sent = false;
          later.attempt++;
        }
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
