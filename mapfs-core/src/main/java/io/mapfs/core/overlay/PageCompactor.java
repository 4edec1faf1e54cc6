package io.mapfs.core.overlay;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.journal.Change;
import io.mapfs.core.overlay.OverlayIndex.ExtentRow;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives back the page log's dead space: the pages that live in mostly dead segments are copied, and
 * the segments go.
 *
 * <p>A round goes once through the index's extents, a few rows a step. A step copies the pages that
 * its rows have in a victim to fresh slots, without a lock; then, under the exclusive tree lock and
 * in one batch of the index, rows and extents in the heap come to name the copies. The order that a
 * crash may interrupt anywhere: copies written → rows written → index on disk ({@link
 * OverlayIndex#flush}) → segments deleted. Nothing is journalled: of a victim's records every one
 * is acknowledged and applied, so that a replay, which begins behind what the index has on disk,
 * never names one of its slots again.
 *
 * <p>For the sealing thread alone, which is the only one that changes the index.
 */
final class PageCompactor {
  private static final Logger LOG = LoggerFactory.getLogger(PageCompactor.class);

  /** Most rows that are looked at in a step. */
  private static final int STEP_ROWS = 4_096;

  /** Fewest pages that a step copies before it ends, if there are so many. */
  private static final int STEP_PAGES = 256;

  /** Most rows that are changed in a step: all under one hold of the tree lock. */
  private static final int STEP_CHANGES = 64;

  private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** A row some of whose pages were copied. */
  private record Copy(ExtentRow row, int pages, long slot) {
    int count() {
      return Integer.bitCount(pages);
    }
  }

  private final OverlayTree tree;
  private final OverlayIndex index;
  private final PageLog pageLog;

  /** Victims of the present round; empty between rounds. */
  private Set<Integer> victims = Set.of();

  /** Where the next step goes on. */
  private long nextIno;

  private long nextBlock;

  /** After a failure; 0 for none. */
  private long resumeNanos;

  private boolean paused;

  PageCompactor(OverlayTree tree, OverlayIndex index, PageLog pageLog) {
    this.tree = tree;
    this.index = index;
    this.pageLog = pageLog;
  }

  /** Whether there is a round to be gone on with. */
  boolean isBusy() {
    return !victims.isEmpty() && !isPaused();
  }

  private boolean isPaused() {
    if (paused && System.nanoTime() - resumeNanos >= 0) {
      paused = false;
    }
    return paused;
  }

  /**
   * Goes on with a round, or begins one if there is enough dead space. What fails is put off: the
   * log is larger meanwhile, and nothing else.
   *
   * @param sealedPages pages of the record that was just sealed: compaction keeps up with writers
   */
  void step(int sealedPages) {
    if (isPaused()) {
      return;
    }
    try {
      if (victims.isEmpty()) {
        begin();
      }
      if (!victims.isEmpty()) {
        move(Math.max(STEP_PAGES, 2 * sealedPages));
      }
    } catch (FsException | IOException e) {
      LOG.warn("the page log cannot be compacted now: {}", e.getMessage());
      // What is moved stays moved; the victims stay held until the index is on disk.
      victims = Set.of();
      paused = true;
      resumeNanos = System.nanoTime() + PAUSE_NANOS;
    }
  }

  private void begin() throws IOException {
    if (pageLog.isHolding()) {
      finish();
    }
    victims = pageLog.holdMostlyDead();
    nextIno = 0;
    nextBlock = 0;
  }

  /** The segments may go: no row that names them is left, in the heap or on disk. */
  private void finish() throws IOException {
    index.flush();
    pageLog.releaseHeld();
    LOG.debug("page log compacted to {} bytes, emptied segments {}", pageLog.bytes(), victims);
    victims = Set.of();
  }

  private void move(int pagesWanted) throws FsException, IOException {
    List<ExtentRow> rows = index.extents(nextIno, nextBlock, STEP_ROWS);
    List<Copy> copies = new ArrayList<>();
    int pages = 0;
    boolean end = rows.size() < STEP_ROWS;
    boolean moved = false;
    try {
      for (ExtentRow row : rows) {
        if (pages >= pagesWanted || copies.size() == STEP_CHANGES) {
          end = false;
          break;
        }
        int inVictims = row.extent().pagesIn(victims);
        if (inVictims != 0) {
          Copy copy = copy(row, inVictims);
          copies.add(copy);
          pages += copy.count();
        }
        nextIno = row.ino();
        nextBlock = row.block() + 1;
      }
      if (!copies.isEmpty()) {
        swap(copies);
      }
      moved = true;
    } finally {
      if (!moved) {
        copies.forEach(copy -> pageLog.abandon(copy.slot, copy.count()));
      }
    }
    if (end) {
      finish();
    }
  }

  private Copy copy(ExtentRow row, int pages) throws FsException {
    int count = Integer.bitCount(pages);
    ByteBuffer bytes = ByteBuffer.allocate(count * Change.PAGE_BYTES);
    List<FsException> failures = new ArrayList<>();
    row.extent()
        .forEachRunIn(
            pages,
            (first, run, slot) -> {
              try {
                bytes.limit(bytes.position() + run * Change.PAGE_BYTES);
                pageLog.read(slot, 0, bytes);
              } catch (FsException e) {
                pageLog.keep(slot);
                failures.add(e);
              }
            });
    if (!failures.isEmpty()) {
      throw failures.get(0);
    }
    long slot = pageLog.allocate(count);
    boolean written = false;
    try {
      pageLog.write(slot, 0, bytes.flip());
      written = true;
    } finally {
      if (!written) {
        pageLog.abandon(slot, count);
      }
    }
    return new Copy(row, pages, slot);
  }

  /** Rows and heap come to name the copies, as far as the heap still names what was copied. */
  private void swap(List<Copy> copies) throws IOException {
    tree.lock.writeLock().lock();
    try {
      List<ExtentRow> changed = new ArrayList<>();
      List<Integer> movedPages = new ArrayList<>();
      for (Copy copy : copies) {
        int moved = tree.pagesNamedAs(copy.row) & copy.pages;
        movedPages.add(moved);
        if (moved != 0) {
          BlockExtent extent = copy.row.extent().moved(moved, copy.pages, copy.slot);
          changed.add(new ExtentRow(copy.row.ino(), copy.row.block(), extent));
        }
      }
      if (!changed.isEmpty()) {
        index.replace(changed);
      }
      for (int i = 0; i < copies.size(); i++) {
        Copy copy = copies.get(i);
        tree.move(copy.row, movedPages.get(i), copy.pages, copy.slot);
      }
    } finally {
      tree.lock.writeLock().unlock();
    }
  }
}
