package io.mapfs.server.overlay;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class JournalLogTest {
  private static final long OVERLAY = 7;

  @TempDir Path directory;
  private Path file;

  /** Four records: each synced by itself, so each frame knows that the one before was durable. */
  @BeforeEach
  void write() throws IOException {
    try (JournalLog log = JournalLog.open(directory, OVERLAY, 0, null)) {
      for (int sequence = 1; sequence <= 4; sequence++) {
        write(log, sequence, sequence - 1);
        log.sync();
      }
    }
    file = directory.resolve("0000000000000001.journal");
  }

  private static void write(JournalLog log, int sequence, long durable) throws IOException {
    JournalRecord record =
        new JournalRecord(
            "n",
            1,
            sequence,
            new byte[32],
            0,
            List.of(new Change.PutWhiteout(1, Name.of("name" + sequence))));
    byte[] page = new byte[Change.PAGE_BYTES];
    Arrays.fill(page, (byte) sequence);
    byte[] encoded = RecordCodec.encode(record);
    log.write(
        record,
        encoded,
        RecordCodec.hash(ByteBuffer.wrap(encoded)),
        List.of(ByteBuffer.wrap(page)),
        durable);
  }

  @Test
  void readsBackWhatWasWritten() throws IOException {
    try (JournalLog log = JournalLog.open(directory, OVERLAY, 0, null)) {
      assertEquals(4, log.lastSequence());
      JournalLog.Stored third = log.read(3);
      assertEquals(3, third.record().sequence());
      assertEquals(Change.PAGE_BYTES, third.pages().remaining());
      assertEquals(3, third.pages().get(100));
      assertArrayEquals(RecordCodec.hash(third.record()), third.hash());
      write(log, 5, 4);
    }
    try (JournalLog log = JournalLog.open(directory, OVERLAY, 4, null)) {
      assertEquals(5, log.lastSequence());
    }
  }

  @Test
  void cutsATornTailOff() throws IOException {
    byte[] whole = Files.readAllBytes(file);
    for (int cut : new int[] {1, 100, 4096, 4200}) {
      Files.write(file, Arrays.copyOf(whole, whole.length - cut));
      try (JournalLog log = JournalLog.open(directory, OVERLAY, 0, null)) {
        assertEquals(3, log.lastSequence(), "cut by " + cut);
      }
    }
  }

  @Test
  void refusesDamageToWhatWasAcknowledged() throws IOException {
    byte[] whole = Files.readAllBytes(file);
    int frame = (whole.length - 16) / 4;
    // Every region of the second frame: magic, lengths, checksum, sequence, record, page.
    for (int at : new int[] {0, 5, 10, 13, 20, 30, 40, 70, 500}) {
      byte[] damaged = whole.clone();
      damaged[16 + frame + at] ^= 0x10;
      Files.write(file, damaged);
      IOException refused =
          assertThrows(
              IOException.class, () -> JournalLog.open(directory, OVERLAY, 0, null), "byte " + at);
      assertTrue(refused.getMessage().contains("damaged at byte"), refused.getMessage());
    }
  }

  @Test
  void refusesAnotherFormatOrOverlay() throws IOException {
    assertThrows(IOException.class, () -> JournalLog.open(directory, OVERLAY + 1, 0, null));
    byte[] newer = Files.readAllBytes(file);
    newer[7] = 3;
    Files.write(file, newer);
    IOException refused =
        assertThrows(IOException.class, () -> JournalLog.open(directory, OVERLAY, 0, null));
    assertTrue(refused.getMessage().contains("newer release"), refused.getMessage());
  }

  @Test
  void forgetsWhatCouldNotBeSynced() throws IOException {
    try (JournalLog log = JournalLog.open(directory, OVERLAY, 0, null)) {
      write(log, 5, 4);
      write(log, 6, 4);
      log.cutAfter(4);
      assertEquals(4, log.lastSequence());
      write(log, 5, 4);
      log.sync();
    }
    try (JournalLog log = JournalLog.open(directory, OVERLAY, 0, null)) {
      assertEquals(5, log.lastSequence());
    }
  }

  @Test
  void whatIsLeftOfAFoldedJournalRefusesRowsThatLostTheirLast() throws IOException {
    long last;
    try (JournalLog log = JournalLog.open(directory, OVERLAY, 0, null)) {
      for (int sequence = 5; log.storedBytes() < 5 << 20; sequence++) {
        write(log, sequence, 4);
      }
      log.sync();
      last = log.lastSequence();
      log.dropThrough(last);
      assertEquals(0, log.lastSequence());
      assertTrue(log.storedBytes() < 100, "nothing is kept but a name");
    }
    for (long folded : new long[] {0, last - 1}) {
      IOException refused =
          assertThrows(IOException.class, () -> JournalLog.open(directory, OVERLAY, folded, null));
      assertTrue(refused.getMessage().contains("lacks record " + (folded + 1)));
    }
    try (JournalLog log = JournalLog.open(directory, OVERLAY, last, null)) {
      write(log, (int) last + 1, last);
      log.sync();
    }
    try (JournalLog log = JournalLog.open(directory, OVERLAY, last, null)) {
      assertEquals(last + 1, log.lastSequence());
    }
  }

  @Test
  void dropsSegmentsThatAreFolded() throws IOException {
    try (JournalLog log = JournalLog.open(directory, OVERLAY, 0, null)) {
      for (int sequence = 5; log.storedBytes() < 34 << 20; sequence++) {
        write(log, sequence, 4);
      }
      log.sync();
      long last = log.lastSequence();
      log.dropThrough(100);
      assertEquals(last, log.lastSequence());
      log.dropThrough(last - 1);
      assertTrue(log.storedBytes() < 4 << 20);
      assertEquals(last, log.read(last).record().sequence());
    }
  }
}
