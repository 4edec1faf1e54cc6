package io.mapfs.core.security;

import io.mapfs.core.hash.Sha256;
import java.security.SecureRandom;
import java.util.Base64;

/**
 * What a machine joins with, once: for which node, a secret, and by what it knows the appliance.
 * One line of text, {@code mapfs-join-1:NODE:ID:SECRET:FINGERPRINT}, the last three in base64url.
 */
public final class JoinToken {
  private static final String VERSION = "mapfs-join-1";
  private static final int ID_BYTES = 9;
  private static final int SECRET_BYTES = 32;
  private static final int FINGERPRINT_BYTES = 32;

  private final String node;
  private final String id;
  private final byte[] secret;
  private final byte[] authority;

  private JoinToken(String node, String id, byte[] secret, byte[] authority) {
    this.node = node;
    this.id = id;
    this.secret = secret;
    this.authority = authority;
  }

  /**
   * Makes one.
   *
   * @param authority fingerprint of the authority's certificate
   */
  public static JoinToken create(String node, byte[] authority) {
    return new JoinToken(node, encode(random(ID_BYTES)), random(SECRET_BYTES), authority.clone());
  }

  private static byte[] random(int count) {
    byte[] bytes = new byte[count];
    new SecureRandom().nextBytes(bytes);
    return bytes;
  }

  /**
   * Reads a token's text.
   *
   * @throws IllegalArgumentException if it is none; the message does not repeat it
   */
  public static JoinToken parse(String text) {
    String[] parts = text.strip().split(":", -1);
    if (parts.length != 5 || !parts[0].equals(VERSION)) {
      throw new IllegalArgumentException(
          "this is no token that 'mapfs node token create' of this release made");
    }
    byte[] secret = decode(parts[3]);
    byte[] authority = decode(parts[4]);
    if (secret.length != SECRET_BYTES || authority.length != FINGERPRINT_BYTES) {
      throw new IllegalArgumentException("the token is not whole: copy all of its line");
    }
    return new JoinToken(parts[1], parts[2], secret, authority);
  }

  private static String encode(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private static byte[] decode(String text) {
    try {
      return Base64.getUrlDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("the token is not whole: copy all of its line", e);
    }
  }

  public String node() {
    return node;
  }

  /** Names it; no secret. */
  public String id() {
    return id;
  }

  /** For the appliance, over a connection that {@link #authority} vouches for. */
  public String secret() {
    return encode(secret);
  }

  /** What the appliance keeps of the secret: 256 random bits need no slow hash. */
  public static byte[] digest(String secretText) {
    return Sha256.of(secretText.getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  /** Fingerprint of the authority's certificate. */
  public byte[] authority() {
    return authority.clone();
  }

  /** The whole token: a secret. */
  public String text() {
    return String.join(":", VERSION, node, id, secret(), encode(authority));
  }

  /** Says nothing of the secret. */
  @Override
  public String toString() {
    return "token " + id + " for " + node;
  }
}
