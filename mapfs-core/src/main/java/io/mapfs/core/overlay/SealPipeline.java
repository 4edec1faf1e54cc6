package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.journal.CanonicalOrder;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.overlay.NodeProtocol.Effect;
import io.mapfs.core.overlay.NodeProtocol.Event;
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
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way of a cut batch: hashed and numbered (sealed), appended to the local journal, applied to
 * the index, sent to the appliance, acknowledged.
 *
 * <p>What is sent when, and what an answer means, is {@link NodeProtocol}'s to say.
 *
 * <p>Two threads: one seals (and compacts the page log between two records), one sends. Both retry
 * what fails, with growing pauses, for ever; nothing is discarded. What waits for them is bounded
 * in time and can be interrupted. A fence ends the sending, and everything that waits for it fails.
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

  private static final long PAUSE_MILLIS_MIN = 100;
  private static final long PAUSE_MILLIS_MAX = 5_000;

  /** Cuts the open batch if it is old enough; called by the sealing thread. */
  interface Cutter {
    void cutIfOlderThan(long nanos);
  }

  private final OverlayState state;
  private final OverlayConfig config;
  private final JournalShipper shipper;
  private final Cutter cutter;
  private final PageCompactor compactor;

  /** Pages in the open batch. Called under the lock. */
  private final IntSupplier openPages;

  private final Thread sealer;
  private final Thread sender;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** Last record that the index has on disk; used by the sealing thread alone. */
  private long flushedSequence;

  /** Last batch that the page log knows to be acknowledged; the sealing thread's, too. */
  private long freedBatch = -1;

  // Protected by the lock.
  private final Deque<Cut> cuts = new ArrayDeque<>();
  private final NodeProtocol protocol;

  /** What the protocol wants to be sent, in order. */
  private final Deque<Effect.Send> toSend = new ArrayDeque<>();

  private final BacklogLimit backlog;

  /**
   * What writers that are at it were let in with: not in the open batch yet, or not in it alone.
   */
  private long enteredBytes;

  /** Writers that wait to be let in. */
  private int outside;

  private OverlayPosition position;
  private long lastSubmittedBatch = -1;
  private long sealedBatch = -1;
  private long unacknowledgedPages;
  private String sealFailure;
  private boolean stopped;

  SealPipeline(
      OverlayState state,
      OverlayConfig config,
      JournalShipper shipper,
      Cutter cutter,
      PageCompactor compactor,
      IntSupplier openPages) {
    this.state = state;
    this.config = config;
    this.shipper = shipper;
    this.cutter = cutter;
    this.compactor = compactor;
    this.openPages = openPages;
    this.backlog = new BacklogLimit(config.unacknowledgedBytesMax());
    this.position = state.position();
    this.protocol = new NodeProtocol(position.sequence());
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
   * Waits until a writer may go on: bounded queues, bounded unacknowledged bytes. It is in until
   * {@link #leave}.
   *
   * @param bytes what it writes at most; 0 for a change of something else
   * @throws FsException EINTR, or EIO after the limit
   */
  void enter(RequestContext context, int bytes) throws FsException {
    lock.lock();
    try {
      if (letIn(bytes)) {
        return;
      }
      outside++;
    } finally {
      lock.unlock();
    }
    try {
      await(context, () -> letIn(bytes), "room for changes", protocol::isFenced, () -> false);
    } finally {
      lock.lock();
      try {
        outside--;
      } finally {
        lock.unlock();
      }
    }
  }

  /** Whether a writer may go on; if so, it is in. Under the lock. */
  private boolean letIn(int bytes) {
    boolean room =
        cuts.size() <= QUEUED_CUTS_MAX
            && protocol.unacknowledged() <= UNACKNOWLEDGED_RECORDS_MAX
            && backlog.admits(backlogBytes(), bytes, System.nanoTime());
    if (room) {
      enteredBytes += bytes;
    }
    return room;
  }

  private long backlogBytes() {
    return enteredBytes + openBytes() + unacknowledgedPages * Change.PAGE_BYTES;
  }

  private long openBytes() {
    return (long) openPages.getAsInt() * Change.PAGE_BYTES;
  }

  /**
   * A writer has done what it was let in for.
   *
   * @return whether the open batch is to be cut
   */
  boolean leave(int bytes) {
    lock.lock();
    try {
      enteredBytes -= bytes;
      if (outside > 0) {
        changed.signalAll();
      }
      return backlog.fillsBatch(openBytes(), System.nanoTime());
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the batch is in the local journal (not yet durable there). */
  void awaitSealed(RequestContext context, long batch) throws FsException {
    await(context, () -> sealedBatch >= batch, "the local journal", () -> false, () -> false);
  }

  /** Waits until the batch and all before it are durable at the appliance. */
  void awaitAcknowledged(RequestContext context, long batch) throws FsException {
    lock.lock();
    try {
      backlog.commit(System.nanoTime());
    } finally {
      lock.unlock();
    }
    await(
        context,
        () -> protocol.isAcknowledged(batch),
        "the appliance",
        protocol::isFenced,
        shipper::isWaitingInVain);
  }

  /**
   * Waits; all conditions are asked under the lock.
   *
   * @param never whether a fence keeps it from ever being done
   * @param inVain whether it is not to be waited for now
   */
  private void await(
      RequestContext context,
      BooleanSupplier done,
      String what,
      BooleanSupplier never,
      BooleanSupplier inVain)
      throws FsException {
    lock.lock();
    try {
      if (done.getAsBoolean()) {
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
      long progress = protocol.acknowledgedSequence();
      while (!done.getAsBoolean()) {
        if (progress != protocol.acknowledgedSequence()) {
          // The limit is for an appliance that does not answer, not for a long queue.
          progress = protocol.acknowledgedSequence();
          left = limit;
        }
        if (context.isInterrupted()) {
          throw new FsException(Errno.EINTR, "interrupted waiting for " + what);
        }
        if (never.getAsBoolean()) {
          throw new FsException(Errno.EIO, protocol.failure());
        }
        if (stopped || left <= 0 || inVain.getAsBoolean()) {
          String why = sealFailure != null ? sealFailure : protocol.failure();
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
      return sealFailure == null || protocol.isFenced() ? protocol.failure() : sealFailure;
    } finally {
      lock.unlock();
    }
  }

  long acknowledgedBatch() {
    lock.lock();
    try {
      return protocol.acknowledgedBatch();
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
      return protocol.acknowledgedSequence();
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
    freePages();
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
        freePages();
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

  /** Pages that nobody needs any more go once the appliance has what came after them. */
  private void freePages() {
    long acknowledged = acknowledgedBatch();
    if (acknowledged > freedBatch) {
      state.pageLog().acknowledged(acknowledged);
      freedBatch = acknowledged;
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
      step(new Event.Sealed(cut.batch(), after.sequence(), cut.pages()));
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
      Effect.Send next;
      lock.lock();
      try {
        while (toSend.isEmpty() && !stopped) {
          changed.await();
        }
        if (stopped) {
          return;
        }
        next = toSend.remove();
        if (!protocol.isWanted(next.attempt())) {
          step(new Event.Failed(next.attempt(), "not sent"));
          continue;
        }
      } catch (InterruptedException e) {
        return;
      } finally {
        lock.unlock();
      }
      send(next);
    }
  }

  private void send(Effect.Send next) {
    CompletableFuture<Void> result;
    try {
      SealedRecord sealed = state.journal().read(next.sequence());
      List<ByteBuffer> pages = OverlayState.readPages(state.pageLog(), sealed);
      result = shipper.ship(sealed.record(), pages);
    } catch (FsException | IOException | RuntimeException e) {
      result = CompletableFuture.failedFuture(e);
    }
    CompletableFuture<Void> unused =
        result.whenComplete((nothing, failure) -> answered(next, failure));
  }

  /**
   * Runs on whatever thread brings the answer, such as the one that reads from the appliance, so it
   * touches no disk.
   */
  private void answered(Effect.Send sent, Throwable failure) {
    lock.lock();
    try {
      step(failure == null ? new Event.Answered(sent.attempt()) : failed(sent, failure));
    } finally {
      lock.unlock();
    }
  }

  private static Event failed(Effect.Send sent, Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    String why = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    if (cause instanceof FencedException) {
      LOG.error("the overlay is fenced: {}", why);
      return new Event.Fenced(sent.attempt(), why);
    }
    LOG.warn("record {} did not reach the appliance: {}", sent.sequence(), why);
    return new Event.Failed(sent.attempt(), why);
  }

  /** Steps the protocol and does what it says. Under the lock. */
  private void step(Event event) {
    for (Effect effect : protocol.step(event)) {
      if (effect instanceof Effect.Send send) {
        toSend.add(send);
      } else if (effect instanceof Effect.Acknowledged acknowledged) {
        unacknowledgedPages -= acknowledged.pages();
        backlog.acknowledged(acknowledged.pages(), unacknowledgedPages, System.nanoTime());
      } else if (effect instanceof Effect.Pause pause) {
        CompletableFuture.delayedExecutor(pause.millis(), TimeUnit.MILLISECONDS)
            .execute(() -> pauseIsOver(pause.pause()));
      }
    }
    changed.signalAll();
  }

  private void pauseIsOver(long pause) {
    lock.lock();
    try {
      step(new Event.PauseOver(pause));
    } finally {
      lock.unlock();
    }
  }
}
