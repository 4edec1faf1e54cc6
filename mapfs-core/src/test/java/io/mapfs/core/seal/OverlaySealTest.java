package io.mapfs.core.seal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.block.BlockCodec;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.block.StoredBlock;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class OverlaySealTest {
  private static final long OVERLAY = 7;

  private final OverlayKey key = OverlayKey.generate();
  private final OverlaySeal seal = new OverlaySeal(key, OVERLAY);
  private final byte[] content = new byte[BlockId.BLOCK_BYTES];
  private final StoredBlock block;

  OverlaySealTest() {
    new Random(1).nextBytes(content);
    block = new BlockCodec().encode(ByteBuffer.wrap(content));
  }

  private static StoredBlock with(StoredBlock sealed, BlockId id, byte codec, int rawBytes) {
    return new StoredBlock(id, codec, rawBytes, sealed.payload());
  }

  private static StoredBlock flipped(StoredBlock sealed, int at) {
    byte[] payload = sealed.payload().array().clone();
    payload[at] ^= 1;
    return new StoredBlock(
        sealed.id(), sealed.codec(), sealed.rawBytes(), ByteBuffer.wrap(payload));
  }

  @Test
  void aSealedBlockOpensToWhatItWas() throws Exception {
    StoredBlock sealed = seal.seal(block);
    assertTrue(sealed.isSealed());
    assertEquals(
        block.payload().remaining() + StoredBlock.SEAL_BYTES, sealed.payload().remaining());
    StoredBlock opened = new OverlaySeal(OverlayKey.of(key.secret()), OVERLAY).open(sealed);
    assertEquals(block.id(), opened.id());
    assertArrayEquals(content, BlockCodec.decodeVerified(opened));
    assertThrows(CorruptBlockException.class, () -> BlockCodec.decode(sealed));
  }

  @Test
  void idsAreAnotherForEachKeyAndTheSameForOne() {
    BlockId stored = seal.storedId(block.id());
    assertNotEquals(block.id(), stored);
    assertEquals(block.id(), seal.id(stored));
    assertEquals(stored, seal.seal(block).id());
    assertNotEquals(stored, new OverlaySeal(OverlayKey.generate(), OVERLAY).storedId(block.id()));
  }

  @Test
  void theSameBlockIsNeverEncryptedAlike() {
    assertNotEquals(seal.seal(block).payload(), seal.seal(block).payload());
  }

  @Test
  void whatWasChangedOrExchangedIsRefused() {
    StoredBlock sealed = seal.seal(block);
    int last = sealed.payload().remaining() - 1;
    for (int at : new int[] {0, 11, 12, 4711, last - 16, last - 15, last}) {
      assertThrows(CorruptBlockException.class, () -> seal.open(flipped(sealed, at)), "byte " + at);
    }
    StoredBlock other = seal.seal(new BlockCodec().encode(ByteBuffer.wrap(new byte[5000])));
    for (StoredBlock wrong :
        List.of(
            with(sealed, other.id(), sealed.codec(), sealed.rawBytes()),
            with(sealed, sealed.id(), other.codec(), sealed.rawBytes()),
            with(sealed, sealed.id(), sealed.codec(), sealed.rawBytes() - 1),
            with(sealed, sealed.id(), block.codec(), sealed.rawBytes()))) {
      assertThrows(CorruptBlockException.class, () -> seal.open(wrong));
    }
    assertThrows(CorruptBlockException.class, () -> new OverlaySeal(key, OVERLAY + 1).open(sealed));
    assertThrows(
        CorruptBlockException.class,
        () -> new OverlaySeal(OverlayKey.generate(), OVERLAY).open(sealed));
  }

  @Test
  void aFrameOpensInItsPlaceAlone() {
    byte[] place = {1, 2, 3};
    ByteBuffer sealed =
        seal.sealFrame(place, List.of(ByteBuffer.wrap(new byte[] {4}), ByteBuffer.wrap(content)));
    assertEquals(1 + content.length + OverlaySeal.FRAME_OVERHEAD_BYTES, sealed.remaining());
    ByteBuffer opened = seal.openFrame(place, sealed);
    assertEquals(4, opened.get());
    assertEquals(ByteBuffer.wrap(content), opened);
    assertNull(seal.openFrame(new byte[] {1, 2, 4}, sealed));
    assertNull(new OverlaySeal(key, OVERLAY + 1).openFrame(place, sealed));
    assertNull(seal.openFrame(place, ByteBuffer.allocate(3)));
  }

  @Test
  void theCheckTellsTheRightKey() {
    assertTrue(OverlayKey.of(key.secret()).matches(key.check()));
    assertFalse(OverlayKey.generate().matches(key.check()));
    assertThrows(IllegalArgumentException.class, () -> OverlayKey.of(new byte[31]));
    assertFalse(key.toString().contains(java.util.HexFormat.of().formatHex(key.secret())));
  }
}
