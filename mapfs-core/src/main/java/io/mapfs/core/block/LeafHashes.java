package io.mapfs.core.block;

import io.mapfs.core.hash.Sha256;
import java.nio.ByteBuffer;
import java.security.DigestException;
import java.security.MessageDigest;
import java.util.Arrays;

/**
 * The hashing behind {@link BlockId}: leaf hashes of a content, the id of leaf hashes, and the
 * check of single leaves. Digests are kept per thread.
 */
public final class LeafHashes {
  /** Length of one leaf hash. */
  public static final int HASH_BYTES = 32;

  private static final ThreadLocal<MessageDigest> DIGEST =
      ThreadLocal.withInitial(Sha256::newDigest);

  private LeafHashes() {}

  /** Number of leaves of a content of so many bytes. */
  public static int count(int rawBytes) {
    return (rawBytes + BlockId.LEAF_BYTES - 1) / BlockId.LEAF_BYTES;
  }

  /** The leaf hashes, one after the other, of {@code content[offset, offset + length)}. */
  public static byte[] of(byte[] content, int offset, int length) {
    byte[] leaves = new byte[count(length) * HASH_BYTES];
    MessageDigest digest = DIGEST.get();
    for (int leaf = 0, done = 0; done < length; leaf++) {
      int leafBytes = Math.min(BlockId.LEAF_BYTES, length - done);
      hash(digest, content, offset + done, leafBytes, leaves, leaf * HASH_BYTES);
      done += leafBytes;
    }
    return leaves;
  }

  /** The leaf hashes of the bytes from position to limit, in the heap or direct. */
  public static byte[] of(ByteBuffer content) {
    if (content.hasArray()) {
      return of(content.array(), content.arrayOffset() + content.position(), content.remaining());
    }
    byte[] leaves = new byte[count(content.remaining()) * HASH_BYTES];
    MessageDigest digest = DIGEST.get();
    ByteBuffer rest = content.duplicate();
    for (int at = 0; at < leaves.length; at += HASH_BYTES) {
      int leafBytes = Math.min(BlockId.LEAF_BYTES, rest.remaining());
      digest.reset();
      digest.update(rest.slice(rest.position(), leafBytes));
      rest.position(rest.position() + leafBytes);
      end(digest, leaves, at);
    }
    return leaves;
  }

  /** The id of a block with these leaf hashes. */
  public static BlockId id(byte[] leaves) {
    MessageDigest digest = DIGEST.get();
    digest.reset();
    digest.update(leaves);
    return BlockId.take(ByteBuffer.wrap(digest.digest()));
  }

  /**
   * Whether the leaves of {@code content[offset, offset + length)}, which begins at leaf {@code
   * firstLeaf} and ends at a leaf's end, have the hashes given.
   */
  public static boolean verify(
      byte[] leaves, int firstLeaf, byte[] content, int offset, int length) {
    MessageDigest digest = DIGEST.get();
    byte[] hash = new byte[HASH_BYTES];
    int at = firstLeaf * HASH_BYTES;
    for (int done = 0; done < length; at += HASH_BYTES) {
      int leafBytes = Math.min(BlockId.LEAF_BYTES, length - done);
      hash(digest, content, offset + done, leafBytes, hash, 0);
      if (at + HASH_BYTES > leaves.length
          || !Arrays.equals(hash, 0, HASH_BYTES, leaves, at, at + HASH_BYTES)) {
        return false;
      }
      done += leafBytes;
    }
    return true;
  }

  private static void hash(
      MessageDigest digest, byte[] content, int offset, int length, byte[] target, int at) {
    digest.reset();
    digest.update(content, offset, length);
    end(digest, target, at);
  }

  private static void end(MessageDigest digest, byte[] target, int at) {
    try {
      digest.digest(target, at, HASH_BYTES);
    } catch (DigestException e) {
      throw new IllegalStateException("SHA-256 is 32 bytes", e);
    }
  }
}
