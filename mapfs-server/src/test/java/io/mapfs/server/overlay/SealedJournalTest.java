package io.mapfs.server.overlay;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.seal.OverlayKey;
import io.mapfs.server.store.LockedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The journal of an encrypted overlay. */
final class SealedJournalTest {
  private static final long OVERLAY = 7;
  private static final long EPOCH = 3;
  private static final int FRAME_HEADER_BYTES = 64;

  private final HeldKey key = new HeldKey("n", OVERLAY);
  private final OverlayKey secret = OverlayKey.generate();
  private final byte[] page = new byte[Change.PAGE_BYTES];

  @TempDir Path directory;
  private Path file;
  private int frameBytes;

  @BeforeEach
  void write() throws IOException {
    Arrays.fill(page, (byte) 'x');
    key.hold(1, secret);
    try (JournalLog log = JournalLog.open(directory, OVERLAY, 0, key)) {
      for (int sequence = 1; sequence <= 3; sequence++) {
        JournalRecord record = record(sequence);
        byte[] encoded = RecordCodec.encode(record);
        log.write(
            record,
            encoded,
            RecordCodec.hash(ByteBuffer.wrap(encoded)),
            List.of(ByteBuffer.wrap(page)),
            sequence - 1);
        log.sync();
      }
    }
    file = directory.resolve("0000000000000001.journal");
    frameBytes = (int) ((Files.size(file) - 16) / 3);
  }

  private static JournalRecord record(int sequence) {
    return new JournalRecord(
        "n",
        EPOCH,
        sequence,
        new byte[32],
        0,
        List.of(new Change.PutWhiteout(1, Name.of("the-name-" + sequence))));
  }

  @Test
  void itReadsBackWithTheKeyAndOpensWithout() throws Exception {
    String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
    assertFalse(bytes.contains("the-name"));
    assertFalse(bytes.contains("xxxxxxxx"));
    assertEquals(
        RecordCodec.encode(record(1)).length
            + page.length
            + FRAME_HEADER_BYTES
            + FrameSeal.OVERHEAD_BYTES,
        frameBytes);
    key.forget();
    try (JournalLog log = JournalLog.open(directory, OVERLAY, 0, key)) {
      assertEquals(3, log.lastSequence());
      assertEquals(EPOCH, log.lastEpoch());
      assertArrayEquals(RecordCodec.hash(record(2)), log.hashAt(2));
      assertThrows(LockedException.class, () -> log.read(2));
      JournalRecord next = record(4);
      assertThrows(
          LockedException.class,
          () -> log.write(next, RecordCodec.encode(next), new byte[32], List.of(), 3));
      key.hold(2, secret);
      JournalLog.Stored stored = log.read(2);
      assertArrayEquals(RecordCodec.encode(record(2)), RecordCodec.encode(stored.record()));
      assertEquals(ByteBuffer.wrap(page), stored.pages());
      assertEquals(RecordCodec.encode(record(2)).length + page.length, stored.bytes());
    }
  }

  /** Changes a frame and makes its checksum right again. */
  private void plant(int frame, int at, int flip) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int start = 16 + frame * frameBytes;
    bytes[start + at] ^= (byte) flip;
    CRC32C crc = new CRC32C();
    crc.update(bytes, start, 12);
    crc.update(bytes, start + 16, frameBytes - 16);
    ByteBuffer.wrap(bytes).putInt(start + 12, (int) crc.getValue());
    Files.write(file, bytes);
  }

  @Test
  void whatWasForgedIsRefused() throws Exception {
    // Hash, epoch, nonce, record, page, tag.
    for (int at : new int[] {40, 71, 75, 90, 500, frameBytes - 1}) {
      plant(1, at, 1);
      try (JournalLog log = JournalLog.open(directory, OVERLAY, 0, key)) {
        log.read(1);
        assertThrows(CorruptBlockException.class, () -> log.read(2), "byte " + at);
        log.read(3);
      }
      plant(1, at, 1);
    }
    HeldKey other = new HeldKey("n", OVERLAY);
    other.hold(1, OverlayKey.generate());
    try (JournalLog log = JournalLog.open(directory, OVERLAY, 0, other)) {
      assertThrows(CorruptBlockException.class, () -> log.read(1));
    }
  }

  @Test
  void aPlainJournalIsNotTakenForOneThatIsEncryptedNorTheOtherWayRound() throws Exception {
    IOException encrypted =
        assertThrows(IOException.class, () -> JournalLog.open(directory, OVERLAY, 0, null));
    assertTrue(encrypted.getMessage().contains("is encrypted"), encrypted.getMessage());
    Path other = directory.resolve("plain");
    try (JournalLog log = JournalLog.open(other, OVERLAY, 0, null)) {
      JournalRecord record = record(1);
      log.write(record, RecordCodec.encode(record), new byte[32], List.of(), 0);
      log.sync();
    }
    IOException plain =
        assertThrows(IOException.class, () -> JournalLog.open(other, OVERLAY, 0, key));
    assertTrue(plain.getMessage().contains("is not encrypted"), plain.getMessage());
  }
}
