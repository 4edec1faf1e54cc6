package io.mapfs.core.overlay;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PageLogTest {
  @TempDir Path directory;

  @Test
  void pagesComeBackFromHeapAndDirectBuffers() throws Exception {
    byte[] bytes = new byte[100 * PageLog.PAGE_BYTES];
    new Random(1).nextBytes(bytes);
    try (PageLog log = open()) {
      long heap = log.allocate(100);
      log.write(heap, 0, ByteBuffer.wrap(bytes));
      long direct = log.allocate(100);
      log.write(direct, 0, ByteBuffer.allocateDirect(bytes.length).put(bytes).flip());
      ByteBuffer fromHeap = ByteBuffer.allocate(bytes.length);
      log.read(direct, 0, fromHeap);
      assertArrayEquals(bytes, fromHeap.array());
      ByteBuffer part = ByteBuffer.allocateDirect(10);
      log.read(heap + 3, 17, part);
      assertEquals(bytes[3 * PageLog.PAGE_BYTES + 17], part.get(0));
    }
  }

  @Test
  void aSegmentGoesWhenItIsDeadAndAcknowledged() throws Exception {
    try (PageLog log = open()) {
      long first = fillSegment(log, 3);
      long next = fillSegment(log, 3);
      assertEquals(2, files());
      log.release(first, PageLog.ALLOCATION_PAGES_MAX, 3);
      for (int i = 1; i < PageLog.SEGMENT_SLOTS / PageLog.ALLOCATION_PAGES_MAX; i++) {
        long slot = first + (long) i * PageLog.ALLOCATION_PAGES_MAX;
        log.release(slot, PageLog.ALLOCATION_PAGES_MAX, 5);
      }
      assertEquals(2, files(), "a record may still need it");
      log.acknowledged(3);
      assertEquals(2, files(), "a crash may go back to a record that names it");
      log.acknowledged(5);
      assertEquals(1, files());
      FsException e =
          assertThrows(FsException.class, () -> log.read(first, 0, ByteBuffer.allocate(1)));
      assertEquals(Errno.EIO, e.errno());
      log.pin(next).unpin();
    }
  }

  @Test
  void deadSegmentsAreFoundAtOpening() throws Exception {
    long live;
    try (PageLog log = open()) {
      fillSegment(log, 1);
      live = fillSegment(log, 1);
    }
    try (PageLog log = open()) {
      log.recount(live, 5);
      log.acknowledged(-1);
      assertEquals(1, files());
      log.recount(0, 5);
    }
  }

  @Test
  void aReaderKeepsItsSegmentReadable() throws Exception {
    try (PageLog log = open()) {
      long slot = log.allocate(1);
      log.write(slot, 0, ByteBuffer.wrap(new byte[PageLog.PAGE_BYTES]));
      PageSegment pinned = log.pin(slot);
      log.clear();
      assertEquals(0, files());
      pinned.read(0, ByteBuffer.allocate(PageLog.PAGE_BYTES));
      pinned.unpin();
    }
  }

  private PageLog open() throws IOException {
    return PageLog.open(new PosixFiles(), directory, PageLog.SEGMENT_SLOTS);
  }

  private static long fillSegment(PageLog log, long batch) throws FsException {
    long first = -1;
    for (int i = 0; i < PageLog.SEGMENT_SLOTS / PageLog.ALLOCATION_PAGES_MAX; i++) {
      long slot = log.allocate(PageLog.ALLOCATION_PAGES_MAX);
      log.publish(slot, PageLog.ALLOCATION_PAGES_MAX, batch);
      first = first < 0 ? slot : first;
    }
    return first;
  }

  private long files() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.count();
    }
  }
}
