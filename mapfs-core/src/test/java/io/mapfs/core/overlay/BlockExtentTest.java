package io.mapfs.core.overlay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.journal.MalformedRecordException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class BlockExtentTest {
  private static final BlockId REMOTE = new BlockId(1, 2, 3, 4);
  private static final int ALL = -1;

  @Test
  void aSequentialWriteIsOneRun() {
    BlockExtent extent = BlockExtent.NONE;
    for (int page = 0; page < 32; page++) {
      extent = extent.withOwn(page, 1, 100 + page, 7);
    }
    int[] runs = {0};
    extent.forEachRun((first, count, slot) -> runs[0]++);
    assertEquals(1, runs[0]);
    assertEquals(32, extent.contiguous(0));
    assertEquals(131, extent.slot(31));
  }

  @Test
  void runsDoNotJoinAcrossSegments() {
    long end = PageLog.SEGMENT_SLOTS;
    BlockExtent extent = BlockExtent.NONE.withOwn(0, 1, end - 1, 1).withOwn(1, 1, end, 1);
    assertEquals(1, extent.contiguous(0));
  }

  @Test
  void pagesKnowTheBatchThatWroteThem() {
    BlockExtent extent = BlockExtent.NONE.withOwn(3, 2, 50, 7);
    assertTrue(extent.isOpenOwn(3, 7));
    assertFalse(extent.isOpenOwn(3, 8));
    BlockExtent later = extent.withOwn(4, 1, 60, 8);
    assertFalse(later.isOpenOwn(3, 8));
    assertTrue(later.isOpenOwn(4, 8));
  }

  @Test
  void aTruncationHidesTheRemoteBlockBehindIt() {
    BlockExtent extent = BlockExtent.ofBlock(REMOTE, ALL).withOwn(10, 4, 50, 1).truncated(12);
    assertTrue(extent.isOwn(11));
    assertFalse(extent.isOwn(12));
    assertTrue(extent.isZero(12));
    assertFalse(extent.isZero(9));
    assertEquals(12, extent.ownedPages());
  }

  @Test
  void aRemoteBlockThatIsCoveredIsNamedNoMore() {
    BlockExtent extent = BlockExtent.ofBlock(REMOTE, ALL).withOwn(0, 20, 50, 1);
    assertEquals(REMOTE, extent.remote());
    assertNull(extent.withZeros(BlockExtent.mask(20, 12), 1).remote());
  }

  @Test
  void copiesOfTheBasesPagesCountForNothing() {
    BlockExtent extent = BlockExtent.ofBlock(REMOTE, 0b1011);
    assertEquals(3, extent.ownedPages());
    assertFalse(extent.isOwned(2));
    assertEquals(3, extent.withOwn(1, 1, 50, 1).ownedPages());
    assertEquals(4, extent.withOwn(2, 1, 50, 1).ownedPages());
    assertEquals(2, extent.withZeros(1, 1).ownedPages());
    assertEquals(REMOTE, extent.truncated(1).remote(), "the rest is seen through it all the same");
    assertEquals(1, extent.truncated(1).ownedPages());
  }

  /** Any sequence of changes, compared with plain arrays, and after a round trip as a row. */
  @Test
  void behavesAsAnArrayOfPages() throws Exception {
    Random random = new Random(5);
    for (int round = 0; round < 300; round++) {
      int own = random.nextBoolean() ? ALL : random.nextInt();
      BlockExtent extent =
          random.nextBoolean() ? BlockExtent.NONE : BlockExtent.ofBlock(REMOTE, own);
      long[] slots = new long[32];
      Arrays.fill(slots, extent.remote() == null ? -1 : -3);
      boolean remote = extent.remote() != null;
      for (int step = 0; step < 12; step++) {
        int first = random.nextInt(32);
        int count = 1 + random.nextInt(32 - first);
        switch (random.nextInt(3)) {
          case 0 -> {
            long slot = random.nextInt(1_000);
            extent = extent.withOwn(first, count, slot, 1);
            for (int i = 0; i < count; i++) {
              slots[first + i] = slot + i;
            }
          }
          case 1 -> {
            extent = extent.withZeros(BlockExtent.mask(first, count), 1);
            Arrays.fill(slots, first, first + count, -2);
          }
          default -> {
            if (first > 0) {
              remote = extent.remote() != null;
              extent = extent.truncated(first);
              Arrays.fill(slots, first, 32, remote ? -2 : -1);
            }
          }
        }
      }
      check(slots, own, extent);
      check(slots, own, BlockExtent.decode(extent.encode()));
    }
  }

  private static void check(long[] slots, int remoteOwn, BlockExtent extent) {
    int owned = 0;
    for (int page = 0; page < 32; page++) {
      boolean counts = slots[page] >= 0 || (slots[page] == -3 && (remoteOwn >>> page & 1) != 0);
      owned += counts ? 1 : 0;
      assertEquals(counts, extent.isOwned(page), "page " + page);
      assertEquals(slots[page] >= 0, extent.isOwn(page), "page " + page);
      assertEquals(slots[page] == -2, extent.isZero(page), "page " + page);
      if (slots[page] >= 0) {
        assertEquals(slots[page], extent.slot(page));
      } else if (slots[page] == -3) {
        assertEquals(REMOTE, extent.remote());
      }
    }
    assertEquals(owned, extent.ownedPages());
  }

  @Test
  void damagedRowsAreRefused() {
    byte[] row = BlockExtent.ofBlock(REMOTE, ALL).withOwn(3, 2, 50, 1).encode();
    for (int length = 0; length < row.length; length++) {
      byte[] cut = Arrays.copyOf(row, length);
      assertThrows(MalformedRecordException.class, () -> BlockExtent.decode(cut), "at " + length);
    }
    byte[] newer = row.clone();
    newer[0] = 3;
    assertThrows(MalformedRecordException.class, () -> BlockExtent.decode(newer));
  }

  @Test
  void movedPagesAreTheSamePagesElsewhere() {
    Random random = new Random(5);
    for (int round = 0; round < 1_000; round++) {
      BlockExtent extent = BlockExtent.ofBlock(REMOTE, ALL);
      for (int i = 0; i < 6; i++) {
        int first = random.nextInt(32);
        int count = 1 + random.nextInt(32 - first);
        extent = extent.withOwn(first, count, 100L * (i + 1), i);
      }
      int copied = random.nextInt() & extent.ownMask();
      int pages = random.nextInt() & copied;
      BlockExtent moved = extent.moved(pages, copied, 5_000);
      assertEquals(extent.ownMask(), moved.ownMask());
      assertEquals(extent.zeroMask(), moved.zeroMask());
      assertEquals(extent.remote(), moved.remote());
      assertEquals(extent.openMask(5), moved.openMask(5));
      assertEquals(extent.ownMask() & ~pages, moved.pagesNamedAs(extent));
      for (int page = 0; page < 32; page++) {
        if ((pages & (1 << page)) != 0) {
          assertEquals(5_000 + BlockExtent.rank(copied, page), moved.slot(page));
        }
      }
    }
  }
}
