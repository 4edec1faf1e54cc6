package io.mapfs.core.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BlockCodecTest {
  private final BlockCodec codec = new BlockCodec();

  @ParameterizedTest
  @ValueSource(ints = {1, 4095, 4096, 4097, 10_000, BlockId.BLOCK_BYTES})
  void theIdIsTheHashOfTheLeafHashes(int length) throws Exception {
    byte[] content = random(length);
    MessageDigest leaf = MessageDigest.getInstance("SHA-256");
    MessageDigest id = MessageDigest.getInstance("SHA-256");
    for (int at = 0; at < length; at += 4096) {
      id.update(leaf.digest(Arrays.copyOfRange(content, at, Math.min(length, at + 4096))));
    }
    BlockId expected = BlockId.of(id.digest());
    assertEquals(expected, BlockHasher.id(content, 0, length));
    ByteBuffer direct = ByteBuffer.allocateDirect(length + 7).position(5);
    direct.put(content).flip().position(5);
    assertEquals(expected, BlockHasher.id(direct));
    assertEquals(length, direct.remaining(), "the buffer is untouched");
    assertEquals(expected, BlockHasher.id(ByteBuffer.wrap(content).asReadOnlyBuffer()));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 100, 4096, 70_000, BlockId.BLOCK_BYTES})
  void contentComesBackFromAnyBuffer(int length) throws Exception {
    byte[] content = new byte[length];
    Arrays.fill(content, (byte) 'x');
    StoredBlock block = codec.encode(ByteBuffer.wrap(content));
    assertEquals(length > 32, block.codec() == StoredBlock.CODEC_ZSTD);
    assertArrayEquals(content, BlockCodec.decodeVerified(block));
    assertArrayEquals(
        content, BlockCodec.decodeVerified(withPayload(block, direct(block.payload()))));
    assertArrayEquals(
        content, BlockCodec.decodeVerified(withPayload(block, block.payload().asReadOnlyBuffer())));
    assertArrayEquals(BlockCodec.decode(codec.encode(direct(ByteBuffer.wrap(content)))), content);
  }

  @Test
  void whatDoesNotShrinkStaysRaw() throws Exception {
    byte[] content = random(50_000);
    StoredBlock block = codec.encode(ByteBuffer.wrap(content, 10, 40_000));
    assertEquals(StoredBlock.CODEC_RAW, block.codec());
    assertEquals(40_000, block.payload().remaining());
    assertArrayEquals(Arrays.copyOfRange(content, 10, 40_010), BlockCodec.decodeVerified(block));
    assertArrayEquals(
        BlockCodec.decode(block), BlockCodec.decode(withPayload(block, direct(block.payload()))));
  }

  @Test
  void aHigherLevelIsNotLarger() {
    ByteBuffer text = ByteBuffer.wrap(text(BlockId.BLOCK_BYTES));
    int fast = new BlockCodec(1).encode(text).payload().remaining();
    int small = new BlockCodec(19).encode(text).payload().remaining();
    assertTrue(small < fast, small + " > " + fast);
  }

  @Test
  void aPayloadThatLiesIsRefused() {
    StoredBlock block = codec.encode(ByteBuffer.wrap(text(10_000)));
    StoredBlock shorter = new StoredBlock(block.id(), block.codec(), 9_999, block.payload());
    StoredBlock longer = new StoredBlock(block.id(), block.codec(), 10_001, block.payload());
    StoredBlock unknown = new StoredBlock(block.id(), (byte) 9, 10_000, block.payload());
    StoredBlock raw = new StoredBlock(block.id(), StoredBlock.CODEC_RAW, 10_000, block.payload());
    StoredBlock cut = withPayload(block, block.payload().slice(0, block.payload().remaining() - 3));
    for (StoredBlock bad : new StoredBlock[] {shorter, longer, unknown, raw, cut}) {
      CorruptBlockException e =
          assertThrows(CorruptBlockException.class, () -> BlockCodec.decodeVerified(bad));
      assertTrue(e.getMessage().contains(block.id().toString()), e.getMessage());
    }
  }

  @Test
  void contentThatIsAnotherIsRefused() {
    StoredBlock block = codec.encode(ByteBuffer.wrap(text(10_000)));
    StoredBlock other = codec.encode(ByteBuffer.wrap(random(10_000)));
    StoredBlock wrong = new StoredBlock(block.id(), other.codec(), 10_000, other.payload());
    assertThrows(CorruptBlockException.class, () -> BlockCodec.decodeVerified(wrong));
  }

  private static StoredBlock withPayload(StoredBlock block, ByteBuffer payload) {
    return new StoredBlock(block.id(), block.codec(), block.rawBytes(), payload);
  }

  private static ByteBuffer direct(ByteBuffer heap) {
    ByteBuffer direct = ByteBuffer.allocateDirect(heap.remaining() + 3).position(3);
    return direct.put(heap.duplicate()).flip().position(3);
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  private static byte[] text(int length) {
    Random random = new Random(5);
    StringBuilder words = new StringBuilder();
    while (words.length() < length) {
      words.append(Integer.toString(random.nextInt(3000) * 7919, 36)).append(' ');
    }
    return words.substring(0, length).getBytes(StandardCharsets.US_ASCII);
  }
}
