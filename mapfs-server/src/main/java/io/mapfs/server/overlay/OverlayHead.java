package io.mapfs.server.overlay;

import io.mapfs.core.journal.Change;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.server.store.Failures;
import io.mapfs.server.store.LockedException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One overlay's rows and where they stand: folds the journal into them, lets others read and change
 * them. Safe for concurrent use.
 *
 * <p>The fold lock is held for one slice of work at a time, a few records or rows, and goes to
 * whoever has waited longest: a backlog delays nobody who does not need it folded.
 */
public final class OverlayHead {
  private static final Logger LOG = LoggerFactory.getLogger(OverlayHead.class);

  /** Most pages' bytes and records that are folded at once. */
  private static final long SLICE_BYTES_MAX = 8L << 20;

  static final int SLICE_RECORDS_MAX = 256;

  private final String node;
  private final long overlayId;
  private final OverlayRows rows;
  private final Folder folder;
  private final Retained retained;
  private final OverlayJournal journal;
  private final Executor folds;
  private final AtomicBoolean foldScheduled = new AtomicBoolean();
  private final ReentrantLock foldLock = new ReentrantLock(true);

  /** Written under {@code foldLock}. */
  private volatile HeadPosition position;

  OverlayHead(
      String node,
      long overlayId,
      HeadPosition position,
      Retained retained,
      OverlayJournal journal,
      OwnBlocks own,
      Overlay.Parts parts) {
    this.node = node;
    this.overlayId = overlayId;
    this.position = position;
    this.retained = retained;
    this.journal = journal;
    this.rows = parts.rows();
    this.folds = parts.folds();
    this.folder = new Folder(rows, overlayId, parts.blocks(), own, parts.trees(), retained);
  }

  HeadPosition position() {
    return position;
  }

  /** Under the fold lock: the rows were written so. */
  void moved(HeadPosition newPosition) {
    requireFoldLock();
    position = newPosition;
  }

  void requireFoldLock() {
    if (!foldLock.isHeldByCurrentThread()) {
      throw new IllegalStateException("the caller must hold the fold lock");
    }
  }

  /** Completes a rollback that a crash cut short. */
  void completeRollback(HeadChanges changes) throws IOException {
    foldLock.lock();
    try {
      if (position.forward() != null) {
        changes.complete();
      }
    } finally {
      foldLock.unlock();
    }
  }

  // ---- folding ----

  /** Folds what is durable some time soon. */
  void scheduleFold() {
    if (foldScheduled.compareAndSet(false, true)) {
      folds.execute(this::foldQuietly);
    }
  }

  /** Folds a slice, and lets other overlays have the thread before the next. */
  private void foldQuietly() {
    foldScheduled.set(false);
    foldLock.lock();
    try {
      if (!journal.isClosed() && !foldSliceLocked(journal.durable().sequence())) {
        scheduleFold();
      }
    } catch (LockedException e) {
      LOG.debug("{}: folding waits for the key", node);
    } catch (IOException e) {
      // Kept for whoever needs the rows; tried again with the next record or reader.
      LOG.warn("{}: cannot fold the journal", node, e);
    } finally {
      foldLock.unlock();
    }
  }

  /** Folds a few records, if there are any up to this one; returns whether none are left. */
  private boolean foldSliceLocked(long through) throws IOException {
    try {
      if (position.sequence() < through) {
        foldSomeLocked(through);
      }
      // Also while more waits: a node that never pauses would let the journal grow for ever.
      tidyLocked();
      return position.sequence() >= through;
    } catch (LockedException e) {
      // Nothing is wrong: it goes on when the key is here.
      throw e;
    } catch (IOException | RuntimeException e) {
      IOException failure =
          e instanceof IOException io ? io : new IOException("cannot fold: " + e, e);
      journal.foldFailed(failure);
      throw failure;
    }
  }

  private void foldSomeLocked(long through) throws IOException {
    List<JournalLog.Stored> records = new ArrayList<>();
    long bytes = 0;
    long next = position.sequence() + 1;
    while (next <= through && records.size() < SLICE_RECORDS_MAX && bytes < SLICE_BYTES_MAX) {
      JournalLog.Stored stored = journal.read(next);
      records.add(stored);
      bytes += stored.bytes();
      next++;
    }
    position = folder.fold(position, records);
    journal.folded(bytes, position);
  }

  private void tidyLocked() throws IOException {
    if (journal.isUntidy(position.sequence())) {
      rows.sync();
      journal.dropThrough(position.sequence());
    }
  }

  // ---- reading ----

  /** Works on an overlay that does not change meanwhile. */
  @FunctionalInterface
  public interface HeadReader<T> {
    T read(HeadPosition position) throws IOException, ApplianceException;
  }

  /**
   * Runs a reader on the head with everything that was durable before the call, under the fold
   * lock: for what is quick.
   */
  public <T> T withHead(HeadReader<T> reader) throws ApplianceException {
    long through = journal.isClosed() ? position.sequence() : journal.durable().sequence();
    try {
      while (true) {
        foldLock.lock();
        try {
          if (foldSliceLocked(through)) {
            return reader.read(position);
          }
        } finally {
          foldLock.unlock();
        }
      }
    } catch (IOException e) {
      throw Failures.of("cannot read the overlay of " + node, e);
    }
  }

  /**
   * Folds what was durable before the call, as far as it can be: what is encrypted and locked
   * stays. No folding that had begun before is left then.
   */
  public void settle() throws ApplianceException {
    try {
      withHead(head -> null);
    } catch (ApplianceException e) {
      if (!(e.getCause() instanceof LockedException)) {
        throw e;
      }
    }
  }

  /** Runs a reader on the folded head, which is pinned but may go on: for what takes time. */
  public <T> T withPinnedHead(HeadReader<T> reader) throws ApplianceException {
    Object pin = new Object();
    HeadPosition pinned =
        withHead(
            head -> {
              retained.pin(pin, head.sequence());
              return head;
            });
    try {
      return reader.read(pinned);
    } catch (IOException e) {
      throw Failures.of("cannot read the overlay of " + node, e);
    } finally {
      retained.unpin(pin);
    }
  }

  /** Takes changes one by one. */
  @FunctionalInterface
  public interface ChangeVisitor {
    void visit(Change change) throws IOException;
  }

  /** The rows as they were at a sequence that stays readable meanwhile, in their own order. */
  public void forEachRow(long sequence, ChangeVisitor visitor) throws IOException {
    rows.scanFrom(
        overlayId,
        null,
        sequence,
        (key, row) -> {
          visitor.visit(RowChanges.change(key, row));
          return true;
        });
  }

  // ---- what stays readable ----

  /** Makes the rows durable, for whoever is about to record where they stand. */
  public void sync() throws IOException {
    rows.sync();
  }

  /** A sequence that is to stay readable; under the fold lock ({@link #withHead}). */
  public void retain(long sequence) {
    requireFoldLock();
    retained.add(sequence);
  }

  /** A sequence need not stay readable any more; what only it could see is removed later. */
  public void release(long sequence) {
    retained.remove(sequence);
    scheduleCollection();
  }

  /** Removes what nothing can see any more, some time soon. */
  void scheduleCollection() {
    folds.execute(() -> collectQuietly(null));
  }

  private void collectQuietly(RowKey after) {
    foldLock.lock();
    try {
      if (!journal.isClosed()) {
        RowKey last = RowCollector.collect(rows, overlayId, retained, after);
        if (last != null) {
          folds.execute(() -> collectQuietly(last));
        }
      }
    } catch (IOException e) {
      // Nothing depends on it; the next collection removes the same.
      LOG.warn("{}: cannot remove superseded rows", node, e);
    } finally {
      foldLock.unlock();
    }
  }

  /** Closes the journal under the fold lock: nothing is folded or collected after. */
  void discard() throws IOException {
    foldLock.lock();
    try {
      journal.close();
    } finally {
      foldLock.unlock();
    }
  }

  /** Folds what is durable and closes the journal under the fold lock: nothing is folded after. */
  void close() throws IOException {
    boolean folded = false;
    while (!folded) {
      foldLock.lock();
      try {
        if (journal.isClosed()) {
          return;
        }
        folded = foldSliceLocked(journal.durable().sequence());
        if (folded) {
          journal.close();
        }
      } catch (LockedException e) {
        journal.close();
        return;
      } catch (IOException e) {
        try {
          journal.close();
        } catch (IOException suppressed) {
          e.addSuppressed(suppressed);
        }
        throw e;
      } finally {
        foldLock.unlock();
      }
    }
  }
}
