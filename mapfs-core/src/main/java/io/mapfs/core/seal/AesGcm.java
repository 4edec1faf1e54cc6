package io.mapfs.core.seal;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.List;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * AES-256-GCM with a fresh random nonce for each message: {@code nonce (12) | ciphertext | tag
 * (16)}. Safe for concurrent use.
 *
 * <p>Random nonces of 96 bits bound a key to 2^32 messages (NIST SP 800-38D, 8.3).
 */
final class AesGcm {
  static final int NONCE_BYTES = 12;
  static final int TAG_BYTES = 16;
  static final int OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

  private static final SecureRandom RANDOM = new SecureRandom();

  private final SecretKeySpec key;

  AesGcm(byte[] key) {
    this.key = new SecretKeySpec(key, "AES");
  }

  /** Seals the parts as one message; their buffers are untouched. */
  byte[] seal(byte[] associated, List<ByteBuffer> parts) {
    int length = 0;
    for (ByteBuffer part : parts) {
      length += part.remaining();
    }
    byte[] nonce = new byte[NONCE_BYTES];
    RANDOM.nextBytes(nonce);
    ByteBuffer sealed = ByteBuffer.allocate(OVERHEAD_BYTES + length).put(nonce);
    try {
      Cipher cipher = cipher(Cipher.ENCRYPT_MODE, nonce, associated);
      for (ByteBuffer part : parts) {
        cipher.update(part.duplicate(), sealed);
      }
      cipher.doFinal(ByteBuffer.allocate(0), sealed);
    } catch (GeneralSecurityException e) {
      throw new AssertionError("AES-GCM seals whatever it is given", e);
    }
    return sealed.array();
  }

  /** The message; {@code null} if it, or what is associated with it, is not what was sealed. */
  byte[] open(byte[] associated, ByteBuffer sealed) {
    if (sealed.remaining() < OVERHEAD_BYTES) {
      return null;
    }
    ByteBuffer source = sealed.duplicate();
    byte[] nonce = new byte[NONCE_BYTES];
    source.get(nonce);
    byte[] content = new byte[source.remaining() - TAG_BYTES];
    try {
      cipher(Cipher.DECRYPT_MODE, nonce, associated).doFinal(source, ByteBuffer.wrap(content));
      return content;
    } catch (AEADBadTagException e) {
      return null;
    } catch (GeneralSecurityException e) {
      throw new AssertionError("AES-GCM opens or refuses", e);
    }
  }

  private Cipher cipher(int mode, byte[] nonce, byte[] associated) throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, key, new GCMParameterSpec(TAG_BYTES * Byte.SIZE, nonce));
    cipher.updateAAD(associated);
    return cipher;
  }
}
