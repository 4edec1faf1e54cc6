package io.mapfs.core.block;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Content to stored block and back. Safe for concurrent use; compression contexts are kept per
 * thread.
 */
public final class BlockCodec {
  /** Three quarters of level 9's gain at five times its speed (see DESIGN's figures). */
  public static final int DEFAULT_LEVEL = 3;

  private static final ThreadLocal<ZstdDecompressCtx> DECOMPRESSOR =
      ThreadLocal.withInitial(ZstdDecompressCtx::new);

  private final ThreadLocal<ZstdCompressCtx> compressor;

  public BlockCodec() {
    this(DEFAULT_LEVEL);
  }

  /**
   * @param level zstd's, 1 (fast) to 19 (small)
   */
  public BlockCodec(int level) {
    if (level < 1 || level > 19) {
      throw new IllegalArgumentException("a compression level is 1 to 19, not " + level);
    }
    compressor = ThreadLocal.withInitial(() -> new ZstdCompressCtx().setLevel(level));
  }

  /** Hashes and encodes the bytes from position to limit; the buffer is untouched. */
  public StoredBlock encode(ByteBuffer content) {
    return encode(BlockHasher.id(content), content);
  }

  /** Encodes content whose id is known. The payload is new memory, or the content's where raw. */
  public StoredBlock encode(BlockId id, ByteBuffer content) {
    int rawBytes = content.remaining();
    ByteBuffer heap = inHeap(content);
    byte[] raw = heap.array();
    int offset = heap.arrayOffset() + heap.position();
    byte[] target = new byte[(int) Zstd.compressBound(rawBytes)];
    int stored =
        compressor.get().compressByteArray(target, 0, target.length, raw, offset, rawBytes);
    if (stored >= rawBytes) {
      ByteBuffer payload = ByteBuffer.wrap(raw, offset, rawBytes);
      return new StoredBlock(id, StoredBlock.CODEC_RAW, rawBytes, payload);
    }
    ByteBuffer payload = ByteBuffer.wrap(Arrays.copyOf(target, stored));
    return new StoredBlock(id, StoredBlock.CODEC_ZSTD, rawBytes, payload);
  }

  /**
   * The content, verified against the id; new memory. The block is untouched.
   *
   * @throws CorruptBlockException if the payload does not decode or does not hash to the id
   */
  public static byte[] decodeVerified(StoredBlock block) throws CorruptBlockException {
    byte[] content = decode(block);
    if (!BlockHasher.id(content, 0, content.length).equals(block.id())) {
      throw new CorruptBlockException(
          "block " + block.id() + " is damaged: its content does not hash to its id");
    }
    return content;
  }

  /**
   * The content, <em>not</em> verified; new memory of exactly {@code rawBytes}, whatever the
   * payload says of itself. The block is untouched.
   *
   * @throws CorruptBlockException if the payload does not decode to {@code rawBytes}
   */
  public static byte[] decode(StoredBlock block) throws CorruptBlockException {
    ByteBuffer payload = block.payload();
    byte[] content = new byte[block.rawBytes()];
    switch (block.codec()) {
      case StoredBlock.CODEC_RAW -> {
        if (payload.remaining() != content.length) {
          throw undecodable(block, "it has " + payload.remaining() + " bytes");
        }
        payload.get(payload.position(), content);
      }
      case StoredBlock.CODEC_ZSTD -> {
        int decoded = decompress(block, content);
        if (decoded != content.length) {
          throw undecodable(block, "it has " + decoded + " bytes");
        }
      }
      default -> throw undecodable(block, "codec " + block.codec() + " is unknown");
    }
    return content;
  }

  private static int decompress(StoredBlock block, byte[] content) throws CorruptBlockException {
    ByteBuffer payload = block.payload();
    int length = payload.remaining();
    try {
      if (payload.isDirect()) {
        return DECOMPRESSOR
            .get()
            .decompressDirectByteBufferToByteArray(
                content, 0, content.length, payload, payload.position(), length);
      }
      ByteBuffer heap = inHeap(payload);
      byte[] source = heap.array();
      int offset = heap.arrayOffset() + heap.position();
      return DECOMPRESSOR
          .get()
          .decompressByteArray(content, 0, content.length, source, offset, length);
    } catch (ZstdException e) {
      throw undecodable(block, String.valueOf(e.getMessage()));
    }
  }

  private static CorruptBlockException undecodable(StoredBlock block, String why) {
    return new CorruptBlockException(
        "block "
            + block.id()
            + " is damaged: it does not decode to "
            + block.rawBytes()
            + " bytes: "
            + why);
  }

  /** The buffer itself if it has an array, else a copy of what remains. */
  private static ByteBuffer inHeap(ByteBuffer buffer) {
    if (buffer.hasArray()) {
      return buffer;
    }
    byte[] copy = new byte[buffer.remaining()];
    buffer.get(buffer.position(), copy);
    return ByteBuffer.wrap(copy);
  }
}
