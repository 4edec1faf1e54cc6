package io.mapfs.core.seal;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.block.StoredBlock;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;

/**
 * What an encrypted overlay's key does to its content on its way to the disk. Safe for concurrent
 * use.
 *
 * <p>A block is stored under an id of its own: the id, a hash and so as good as random, with AES on
 * each of its halves. So a store tells neither what a block hashes to nor whether another overlay
 * or a version has the same, and the overlay's rows still name it.
 */
public final class OverlaySeal {
  /** What sealing adds to a journal frame. */
  public static final int FRAME_OVERHEAD_BYTES = AesGcm.OVERHEAD_BYTES;

  private final long overlayId;
  private final AesGcm blocks;
  private final AesGcm frames;
  private final SecretKeySpec ids;

  public OverlaySeal(OverlayKey key, long overlayId) {
    this.overlayId = overlayId;
    this.blocks = new AesGcm(key.derive("blocks"));
    this.frames = new AesGcm(key.derive("journal"));
    this.ids = new SecretKeySpec(key.derive("ids"), "AES");
  }

  // ---- blocks ----

  /** The id that a block is stored under. */
  public BlockId storedId(BlockId id) {
    return permuted(Cipher.ENCRYPT_MODE, id);
  }

  /** The id of a block that is stored under this one. */
  public BlockId id(BlockId storedId) {
    return permuted(Cipher.DECRYPT_MODE, storedId);
  }

  private BlockId permuted(int mode, BlockId id) {
    try {
      // No padding, no chaining: each half is one block of AES.
      Cipher cipher = Cipher.getInstance("AES/ECB/NoPadding");
      cipher.init(mode, ids);
      return BlockId.of(cipher.doFinal(id.toBytes()));
    } catch (GeneralSecurityException e) {
      throw new AssertionError("every Java platform has AES", e);
    }
  }

  /** The block as it is stored. */
  public StoredBlock seal(StoredBlock block) {
    BlockId storedId = storedId(block.id());
    byte[] payload =
        blocks.seal(
            associated(storedId, block.codec(), block.rawBytes()), List.of(block.payload()));
    return new StoredBlock(
        storedId,
        (byte) (block.codec() | StoredBlock.SEALED),
        block.rawBytes(),
        ByteBuffer.wrap(payload));
  }

  /**
   * The block that was stored; its content is not verified against its id.
   *
   * @throws CorruptBlockException if it is not what this key sealed under this id
   */
  public StoredBlock open(StoredBlock sealed) throws CorruptBlockException {
    byte codec = (byte) (sealed.codec() & ~StoredBlock.SEALED);
    byte[] payload =
        sealed.isSealed()
            ? blocks.open(associated(sealed.id(), codec, sealed.rawBytes()), sealed.payload())
            : null;
    if (payload == null) {
      throw new CorruptBlockException(
          "block " + sealed.id() + " is damaged: it is not what was encrypted");
    }
    return new StoredBlock(id(sealed.id()), codec, sealed.rawBytes(), ByteBuffer.wrap(payload));
  }

  private byte[] associated(BlockId storedId, byte codec, int rawBytes) {
    ByteBuffer associated =
        ByteBuffer.allocate(Long.BYTES + BlockId.BYTES + 1 + Integer.BYTES).putLong(overlayId);
    storedId.putInto(associated);
    return associated.put(codec).putInt(rawBytes).array();
  }

  // ---- journal frames ----

  /** Seals a frame's parts as one, bound to its place. */
  public ByteBuffer sealFrame(byte[] place, List<ByteBuffer> parts) {
    return ByteBuffer.wrap(frames.seal(associated(place), parts));
  }

  /** What was sealed in that place; {@code null} if this is not it. */
  public ByteBuffer openFrame(byte[] place, ByteBuffer sealed) {
    byte[] content = frames.open(associated(place), sealed);
    return content == null ? null : ByteBuffer.wrap(content);
  }

  private byte[] associated(byte[] place) {
    return ByteBuffer.allocate(Long.BYTES + place.length).putLong(overlayId).put(place).array();
  }
}
