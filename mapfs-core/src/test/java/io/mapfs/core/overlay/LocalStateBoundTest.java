package io.mapfs.core.overlay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.tree.TestTrees;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A node's local copy follows the overlay, not its history: many records over 1,000 files, and what
 * is on disk, what a mount replays and what it would fetch stay what they were after a few. {@code
 * -Dmapfs.records=N} writes more records (10 million in the test).
 */
final class LocalStateBoundTest {
  private static final TestContext ROOT = TestContext.root();
  private static final long NONE = FileSystemOperations.NO_HANDLE;
  private static final int RECORDS = Integer.getInteger("mapfs.records", 100_000);
  private static final int FILES = 1_000;
  private static final int FILE_PAGES = 4;
  private static final long JOURNAL_SEGMENT_BYTES = 1 << 20;
  private static final int PAGE_SEGMENT_SLOTS = 1_024;

  @TempDir Path temp;
  private final long[] nodes = new long[FILES];
  private final byte[][] letters = new byte[FILES][FILE_PAGES];

  @Test
  void whatIsKeptFollowsTheOverlayNotItsHistory() throws Exception {
    TestTrees trees = TestTrees.of("debian").file("/text", "the version's text");
    OverlayFixture fixture =
        new OverlayFixture(temp.resolve("state"), trees.build(temp), trees.blockReader());
    fixture.journalSegmentBytes = JOURNAL_SEGMENT_BYTES;
    fixture.pageSegmentSlots = PAGE_SEGMENT_SLOTS;
    fixture.mount();
    try {
      for (int file = 0; file < FILES; file++) {
        Opened made = fixture.fs.create(ROOT, NodeId.ROOT, Name.of("file" + file), 0644, 2);
        nodes[file] = made.attributes().node();
        fixture.fs.release(ROOT, nodes[file], made.handle());
      }
      Random random = new Random(1);
      for (int record = 0; record < RECORDS; record++) {
        // A tenth of the files takes most of the writes, so that old pages lie among dead ones.
        write(fixture, random.nextInt(random.nextInt(10) == 0 ? FILES : FILES / 10), random);
        fixture.fs.sealNow();
      }
      fixture.fs.barrier(ROOT);
      assertTrue(fixture.appliance.sequence() >= RECORDS, "each write is a record");
      int headRows = fixture.appliance.rowCount();
      fixture.crash();
      check(fixture, headRows);
      fixture.mount();
      assertFalse(fixture.fetched, "the local copy is whole");
      checkContent(fixture);
    } finally {
      fixture.close();
    }
  }

  private void write(OverlayFixture fixture, int file, Random random) throws FsException {
    int page = random.nextInt(FILE_PAGES);
    byte letter = (byte) (1 + random.nextInt(100));
    ByteBuffer bytes = ByteBuffer.allocate(PageLog.PAGE_BYTES);
    bytes.put(0, letter);
    fixture.fs.write(ROOT, nodes[file], NONE, (long) page * PageLog.PAGE_BYTES, bytes, false);
    letters[file][page] = letter;
  }

  private void check(OverlayFixture fixture, int headRows) throws IOException {
    long livePages = 0;
    for (byte[] file : letters) {
      for (byte letter : file) {
        livePages += letter == 0 ? 0 : 1;
      }
    }
    try (OverlayState state = fixture.open()) {
      long entries = OverlayAccess.journalRecords(state);
      long rows =
          state.index().dump().keySet().stream().filter(row -> !row.startsWith("ext")).count();
      long journalBytes = bytes(fixture.directory.resolve("journal"));
      long pageBytes = bytes(fixture.directory.resolve("pages"));
      long indexBytes = bytes(fixture.directory.resolve("index"));
      System.err.printf(
          "after %d records: journal %d entries in %d bytes, page log %d bytes for %d pages, index"
              + " %d rows in %d bytes, head %d rows%n",
          RECORDS, entries, journalBytes, pageBytes, livePages, rows, indexBytes, headRows);
      // A full segment goes with the next flush of the index; two may wait for it.
      assertTrue(journalBytes <= 4 * JOURNAL_SEGMENT_BYTES, () -> "journal " + journalBytes);
      long pagesMax = OverlayAccess.pagesMax(livePages, PAGE_SEGMENT_SLOTS);
      assertTrue(pageBytes <= pagesMax * PageLog.PAGE_BYTES, "page log " + pageBytes);
      assertEquals(headRows, rows, "the index has the rows of the head");
      assertTrue(indexBytes <= 32 << 20, () -> "index " + indexBytes);
    }
  }

  private static long bytes(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      long bytes = 0;
      for (Path file : files.toList()) {
        bytes += Files.size(file);
      }
      return bytes;
    }
  }

  private void checkContent(OverlayFixture fixture) throws FsException {
    for (int file = 0; file < FILES; file++) {
      long node = fixture.fs.lookup(ROOT, NodeId.ROOT, Name.of("file" + file)).node();
      for (int page = 0; page < FILE_PAGES; page++) {
        ByteBuffer read = ByteBuffer.allocate(1);
        fixture.fs.read(ROOT, node, NONE, (long) page * PageLog.PAGE_BYTES, read);
        assertEquals(letters[file][page], read.get(0), "file " + file + " page " + page);
      }
    }
  }
}
