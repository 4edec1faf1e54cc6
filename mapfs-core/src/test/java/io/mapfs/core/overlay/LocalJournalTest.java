package io.mapfs.core.overlay;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LocalJournalTest {
  @TempDir Path directory;

  @Test
  void recordsComeBackInOrder() throws Exception {
    try (LocalJournal journal = open(LocalJournal.SEGMENT_BYTES)) {
      append(journal, 5, 9);
      journal.sync(0);
    }
    try (LocalJournal journal = open(LocalJournal.SEGMENT_BYTES)) {
      assertEquals(5, journal.firstSequence());
      assertEquals(9, journal.lastSequence());
      SealedRecord read = journal.read(7);
      assertArrayEquals(RecordCodec.encode(record(7).record()), RecordCodec.encode(read.record()));
      assertEquals(record(7).pages(), read.pages());
      append(journal, 10, 10);
      assertEquals(10, journal.lastSequence());
    }
  }

  @Test
  void everyTruncationLeavesAPrefix() throws Exception {
    Path file = filled();
    byte[] whole = Files.readAllBytes(file);
    long last = 3;
    for (int length = whole.length; length >= 0; length -= 7) {
      Files.createDirectories(directory);
      Files.write(file, Arrays.copyOf(whole, length));
      try (LocalJournal journal = open(LocalJournal.SEGMENT_BYTES)) {
        assertTrue(journal.lastSequence() <= last);
        last = journal.lastSequence();
        for (long sequence = 1; sequence <= last; sequence++) {
          assertEquals(sequence, journal.read(sequence).record().sequence());
        }
      }
    }
    assertEquals(0, last);
  }

  @Test
  void aFlippedBitCutsTheJournalThere() throws Exception {
    Path file = filled();
    byte[] whole = Files.readAllBytes(file);
    for (int bit = 16 * 8; bit < whole.length * 8; bit += 37) {
      byte[] flipped = whole.clone();
      flipped[bit / 8] ^= (byte) (1 << (bit % 8));
      Files.write(file, flipped);
      try (LocalJournal journal = open(LocalJournal.SEGMENT_BYTES)) {
        assertTrue(journal.lastSequence() < 3, "bit " + bit);
      }
    }
  }

  @Test
  void aNewerFormatIsRefusedAndLeftAlone() throws Exception {
    Path file = filled();
    byte[] newer = Files.readAllBytes(file);
    newer[5] = 2;
    Files.write(file, newer);
    IOException e = assertThrows(IOException.class, () -> open(LocalJournal.SEGMENT_BYTES));
    assertTrue(e.getMessage().contains("version 2"), e.getMessage());
    assertArrayEquals(newer, Files.readAllBytes(file));
  }

  @Test
  void segmentsGoWhenAllTheirRecordsMay() throws Exception {
    try (LocalJournal journal = open(500)) {
      append(journal, 1, 20);
      assertTrue(files() > 3);
      long oldest = journal.lastOfOldestFullSegment();
      assertTrue(oldest > 0);
      journal.dropThrough(oldest - 1);
      assertEquals(1, journal.firstSequence());
      journal.dropThrough(oldest);
      assertEquals(oldest + 1, journal.firstSequence());
      journal.dropThrough(20);
      assertEquals(20, journal.lastSequence());
      assertEquals(1, files());
    }
    try (LocalJournal journal = open(500)) {
      assertEquals(20, journal.lastSequence());
      append(journal, 21, 22);
    }
  }

  @Test
  void aGapIsAFault() throws Exception {
    try (LocalJournal journal = open(LocalJournal.SEGMENT_BYTES)) {
      append(journal, 1, 2);
      assertThrows(IllegalStateException.class, () -> journal.append(record(4)));
    }
  }

  private LocalJournal open(long segmentBytes) throws IOException {
    return LocalJournal.open(new PosixFiles(), directory, segmentBytes);
  }

  private Path filled() throws IOException {
    try (LocalJournal journal = open(LocalJournal.SEGMENT_BYTES)) {
      append(journal, 1, 3);
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.findFirst().orElseThrow();
    }
  }

  private long files() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.count();
    }
  }

  private static void append(LocalJournal journal, long from, long to) throws IOException {
    for (long sequence = from; sequence <= to; sequence++) {
      journal.append(record(sequence));
    }
  }

  private static SealedRecord record(long sequence) {
    List<Change> changes =
        List.of(
            new Change.WritePages(42, sequence, new byte[2 * Change.WritePages.HASH_BYTES]),
            new Change.PutWhiteout(1, Name.of("gone")));
    JournalRecord record =
        new JournalRecord("web01", 1, sequence, new byte[JournalRecord.HASH_BYTES], 0, changes);
    return new SealedRecord(
        record, List.of(new SlotRun(sequence, 1), new SlotRun(sequence + 100, 1)));
  }
}
