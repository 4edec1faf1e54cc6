package io.mapfs.core.seal;

import java.security.GeneralSecurityException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Derives keys from a secret: HKDF with SHA-256 (RFC 5869), for one block of output. */
final class Hkdf {
  static final int BYTES = 32;
  private static final String HMAC = "HmacSHA256";

  private Hkdf() {}

  /**
   * 32 bytes for one purpose.
   *
   * @param salt may be empty
   * @param info names the purpose
   */
  static byte[] derive(byte[] salt, byte[] secret, byte[] info) {
    byte[] extracted = hmac(salt.length == 0 ? new byte[BYTES] : salt, secret, new byte[0]);
    return hmac(extracted, info, new byte[] {1});
  }

  private static byte[] hmac(byte[] key, byte[] first, byte[] second) {
    try {
      Mac mac = Mac.getInstance(HMAC);
      mac.init(new SecretKeySpec(key, HMAC));
      mac.update(first);
      mac.update(second);
      return mac.doFinal();
    } catch (GeneralSecurityException e) {
      throw new AssertionError("every Java platform has " + HMAC, e);
    }
  }
}
