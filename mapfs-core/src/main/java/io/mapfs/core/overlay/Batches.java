package io.mapfs.core.overlay;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.overlay.OpenBatch.Cut;

/**
 * The open batch as operations see it: room in it is reserved, it is cut, and what was cut is
 * waited for.
 */
final class Batches {
  private final OverlayTree tree;
  private final OverlayState state;
  private final SealPipeline pipeline;
  private final Durability durability;

  Batches(OverlayTree tree, OverlayState state, OverlayConfig config, JournalShipper shipper) {
    this.tree = tree;
    this.state = state;
    this.durability = config.durability();
    PageCompactor compactor = new PageCompactor(tree, state.index(), state.pageLog());
    this.pipeline =
        new SealPipeline(state, config, shipper, this::cutIfOlderThan, compactor, tree::openPages);
  }

  SealPipeline pipeline() {
    return pipeline;
  }

  /** Cuts the open batch and hands it to the pipeline. Takes the tree lock exclusively. */
  void cut() {
    tree.lock.writeLock().lock();
    try {
      cutLocked();
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  private void cutLocked() {
    Cut cut = tree.cut();
    if (cut != null && (!cut.changes().isEmpty() || !cut.writes().isEmpty())) {
      pipeline.submit(cut);
    }
    tree.evict(pipeline.sealedBatch());
  }

  private void cutIfOlderThan(long nanos) {
    tree.lock.writeLock().lock();
    try {
      if (tree.batch().ageNanos() >= nanos && !tree.batch().isEmpty()) {
        cutLocked();
      }
    } finally {
      tree.lock.writeLock().unlock();
    }
  }

  /**
   * Reserves room in the open batch, or in the next one. Exclusive.
   *
   * @throws FsException EIO if there are no inode numbers or cookies left
   */
  void reserve(int changes, int bytes, int pages) throws FsException {
    state.numbers().require();
    if (!tree.reserve(changes, bytes, pages)) {
      cutLocked();
      if (!tree.reserve(changes, bytes, pages)) {
        throw new IllegalStateException("an empty batch has no room");
      }
    }
  }

  /** Waits until a change other than of content may go on; see {@link SealPipeline#enter}. */
  void awaitRoom(RequestContext context) throws FsException {
    pipeline.enter(context, 0);
  }

  /** Waits until so many bytes may be written; {@link #leave} ends that, whatever came of it. */
  void enter(RequestContext context, int bytes) throws FsException {
    pipeline.enter(context, bytes);
  }

  void leave(int bytes) {
    if (pipeline.leave(bytes)) {
      cut();
    }
  }

  /** What fsync promises: everything that was changed before is durable, as configured. */
  void awaitDurable(RequestContext context) throws FsException {
    if (durability == Durability.STRICT) {
      awaitAcknowledged(context);
      return;
    }
    awaitSealed(context);
    state.sync(pipeline.acknowledgedSequence(), pipeline.acknowledgedBatch());
  }

  /** Everything that was changed before is durable at the appliance. */
  void awaitAcknowledged(RequestContext context) throws FsException {
    cut();
    pipeline.awaitAcknowledged(context, pipeline.lastSubmittedBatch());
  }

  /** Everything that was changed before is in the local journal, which outlives this process. */
  void awaitSealed(RequestContext context) throws FsException {
    cut();
    pipeline.awaitSealed(context, pipeline.lastSubmittedBatch());
  }
}
