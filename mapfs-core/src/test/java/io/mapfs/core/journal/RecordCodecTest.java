package io.mapfs.core.journal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.Name;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class RecordCodecTest {
  @Test
  void everyKindOfChangeSurvivesEncoding() throws Exception {
    for (Change change : SampleChanges.all()) {
      ByteBuffer buffer = ByteBuffer.allocate(RecordCodec.encodedBytes(change));
      RecordCodec.encodeChange(change, buffer);
      assertEquals(0, buffer.remaining(), "size of " + change);
      Change decoded = RecordCodec.decodeChange(buffer.flip());
      assertEquals(0, buffer.remaining());
      ByteBuffer again = ByteBuffer.allocate(RecordCodec.encodedBytes(decoded));
      RecordCodec.encodeChange(decoded, again);
      assertArrayEquals(buffer.array(), again.array());
      assertEquals(change.getClass(), decoded.getClass());
    }
  }

  @Test
  void inodeStateSurvivesEncoding() throws Exception {
    InodeState decoded =
        RecordCodec.decodeInode(ByteBuffer.wrap(RecordCodec.encodeInode(SampleChanges.inode())));
    assertEquals(SampleChanges.inode(), decoded);
    InodeState link =
        RecordCodec.decodeInode(ByteBuffer.wrap(RecordCodec.encodeInode(SampleChanges.symlink())));
    assertArrayEquals(SampleChanges.symlink().symlinkTarget(), link.symlinkTarget());
  }

  @Test
  void xattrSetSurvivesEncoding() throws Exception {
    TreeMap<Name, byte[]> xattrs = new TreeMap<>();
    xattrs.put(Name.of("user.a"), new byte[RecordLimits.MAX_XATTR_VALUE_BYTES]);
    xattrs.put(Name.of("user.b"), new byte[] {7});
    var decoded = RecordCodec.decodeXattrs(ByteBuffer.wrap(RecordCodec.encodeXattrs(xattrs)));
    assertEquals(xattrs.keySet(), decoded.keySet());
    assertArrayEquals(new byte[] {7}, decoded.get(Name.of("user.b")));
  }

  /**
   * The bytes of format version 1 never change: nodes and appliances of all releases share them.
   */
  @Test
  void encodingIsTheGoldenFile() throws Exception {
    byte[] golden = golden();
    assertEquals(
        HexFormat.of().formatHex(golden),
        HexFormat.of().formatHex(RecordCodec.encode(SampleChanges.record())));
    JournalRecord decoded = RecordCodec.decode(ByteBuffer.wrap(golden));
    assertEquals("web01", decoded.node());
    assertEquals(17, decoded.sequence());
    assertArrayEquals(golden, RecordCodec.encode(decoded));
    assertArrayEquals(
        RecordCodec.hash(SampleChanges.record()), RecordCodec.hash(ByteBuffer.wrap(golden)));
  }

  @Test
  void everyTruncationIsMalformed() {
    byte[] whole = RecordCodec.encode(SampleChanges.record());
    for (int length = 0; length < whole.length; length++) {
      ByteBuffer cut = ByteBuffer.wrap(whole, 0, length);
      assertThrows(MalformedRecordException.class, () -> RecordCodec.decode(cut), "at " + length);
    }
  }

  /** A flipped bit is refused or decodes to another value: never to the same, never a crash. */
  @Test
  void everyBitFlipIsSeen() {
    byte[] whole = RecordCodec.encode(SampleChanges.record());
    for (int bit = 0; bit < whole.length * 8; bit++) {
      byte[] flipped = whole.clone();
      flipped[bit / 8] ^= (byte) (1 << (bit % 8));
      try {
        ByteBuffer source = ByteBuffer.wrap(flipped);
        JournalRecord decoded = RecordCodec.decode(source);
        assertArrayEquals(
            Arrays.copyOf(flipped, source.position()), RecordCodec.encode(decoded), "bit " + bit);
      } catch (MalformedRecordException e) {
        assertTrue(e.getMessage().length() > 10);
      }
    }
  }

  @Test
  void hugeCountsAreRefusedBeforeAllocation() {
    ByteBuffer changes = ByteBuffer.allocate(64).putInt(0, Integer.MAX_VALUE);
    assertThrows(MalformedRecordException.class, () -> RecordCodec.decodeChanges(changes));
    ByteBuffer negative = ByteBuffer.allocate(64).putInt(0, -1);
    assertThrows(MalformedRecordException.class, () -> RecordCodec.decodeChanges(negative));
  }

  @Test
  void changesOutOfCanonicalOrderAreRefusedInARecordOnly() throws Exception {
    List<Change> reversed = new ArrayList<>(SampleChanges.all());
    Collections.reverse(reversed);
    ByteBuffer list = ByteBuffer.allocate(RecordCodec.encodedBytes(reversed));
    RecordCodec.encodeChanges(reversed, list);
    assertEquals(reversed.size(), RecordCodec.decodeChanges(list.flip()).size());
    JournalRecord record = new JournalRecord("n", 1, 1, new byte[32], 0, reversed);
    ByteBuffer encoded = ByteBuffer.wrap(RecordCodec.encode(record));
    assertThrows(MalformedRecordException.class, () -> RecordCodec.decode(encoded));
  }

  @Test
  void ownPagesOfABlockSurviveAndAreRefusedInARecord() throws Exception {
    for (int ownPages : new int[] {0, 1, 0x80000001, 0x7FFFFFFF}) {
      Change.PutBlock put = new Change.PutBlock(42, 3, new BlockId(1, 2, 3, 4), ownPages);
      ByteBuffer list = ByteBuffer.allocate(RecordCodec.encodedBytes(List.of(put)));
      RecordCodec.encodeChanges(List.of(put), list);
      assertEquals(List.of(put), RecordCodec.decodeChanges(list.flip()));
      JournalRecord record = new JournalRecord("n", 1, 1, new byte[32], 0, List.of(put));
      ByteBuffer encoded = ByteBuffer.wrap(RecordCodec.encode(record));
      assertThrows(MalformedRecordException.class, () -> RecordCodec.decode(encoded));
    }
  }

  @Test
  void newerFormatIsNamedInTheMessage() {
    byte[] newer = RecordCodec.encode(SampleChanges.record());
    newer[5] = 2;
    var e =
        assertThrows(
            MalformedRecordException.class, () -> RecordCodec.decode(ByteBuffer.wrap(newer)));
    assertTrue(e.getMessage().contains("version 2"), e.getMessage());
  }

  @Test
  void pagesAreCheckedAgainstTheirHashes() throws Exception {
    byte[] one = new byte[Change.PAGE_BYTES];
    byte[] two = new byte[Change.PAGE_BYTES];
    Arrays.fill(two, (byte) 2);
    byte[] hashes = new byte[64];
    System.arraycopy(RecordCodec.hash(ByteBuffer.wrap(one)), 0, hashes, 0, 32);
    System.arraycopy(RecordCodec.hash(ByteBuffer.wrap(two)), 0, hashes, 32, 32);
    List<Change> changes = List.of(new Change.WritePages(42, 5, hashes));
    byte[] both = new byte[2 * Change.PAGE_BYTES];
    System.arraycopy(two, 0, both, Change.PAGE_BYTES, Change.PAGE_BYTES);

    RecordCodec.verifyPages(changes, List.of(ByteBuffer.wrap(one), ByteBuffer.wrap(two)));
    RecordCodec.verifyPages(changes, List.of(ByteBuffer.wrap(both)));
    assertRefused(changes, List.of(ByteBuffer.wrap(two), ByteBuffer.wrap(one)));
    assertRefused(changes, List.of(ByteBuffer.wrap(one)));
    assertRefused(changes, List.of(ByteBuffer.wrap(both), ByteBuffer.wrap(one)));
  }

  private static void assertRefused(List<Change> changes, List<ByteBuffer> pages) {
    assertThrows(MalformedRecordException.class, () -> RecordCodec.verifyPages(changes, pages));
  }

  private static byte[] golden() throws IOException {
    try (InputStream in = RecordCodecTest.class.getResourceAsStream("record-v1.hex")) {
      String text = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
      return HexFormat.of().parseHex(text.replaceAll("\\s", ""));
    }
  }
}
