package io.mapfs.core.seal;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;

/** An overlay's data key: 256 random bits, from which a key for each purpose is derived. */
public final class OverlayKey {
  public static final int BYTES = 32;

  private final byte[] secret;

  private OverlayKey(byte[] secret) {
    this.secret = secret;
  }

  public static OverlayKey generate() {
    byte[] secret = new byte[BYTES];
    new SecureRandom().nextBytes(secret);
    return new OverlayKey(secret);
  }

  /**
   * The key of these bytes.
   *
   * @throws IllegalArgumentException if they are not 32
   */
  public static OverlayKey of(byte[] secret) {
    if (secret.length != BYTES) {
      throw new IllegalArgumentException("an overlay's key has 32 bytes, not " + secret.length);
    }
    return new OverlayKey(secret.clone());
  }

  /** The key itself: a secret. */
  public byte[] secret() {
    return secret.clone();
  }

  /** By what the right key is known; says nothing of it. */
  public byte[] check() {
    return derive("check");
  }

  /** Whether a {@link #check} is this key's. */
  public boolean matches(byte[] check) {
    return MessageDigest.isEqual(check(), check);
  }

  byte[] derive(String purpose) {
    return Hkdf.derive(
        new byte[0], secret, ("MapFS overlay " + purpose).getBytes(StandardCharsets.US_ASCII));
  }

  /** Says nothing of the secret. */
  @Override
  public String toString() {
    return "overlay key";
  }
}
