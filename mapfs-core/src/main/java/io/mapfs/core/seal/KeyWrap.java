package io.mapfs.core.seal;

import io.mapfs.core.security.Keys;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.util.List;
import javax.crypto.KeyAgreement;

/**
 * An overlay's key, wrapped for whoever has the private key to a public key on P-256: ECDH with a
 * key pair that is used once, HKDF with SHA-256, AES-256-GCM.
 *
 * <pre>
 *   u8 1 | public key used once, SubjectPublicKeyInfo (91) | nonce (12) | encrypted key (32) | tag (16)
 * </pre>
 *
 * @param clusterId of the appliance
 * @param node whose overlay it is
 * @param overlayId the overlay's number
 */
public record KeyWrap(String clusterId, String node, long overlayId) {
  private static final byte VERSION = 1;
  private static final int PUBLIC_BYTES = 91;

  /** Length of a wrapped key. */
  public static final int BYTES = 1 + PUBLIC_BYTES + AesGcm.OVERHEAD_BYTES + OverlayKey.BYTES;

  /** Wraps the key for a holder. */
  public byte[] wrap(OverlayKey key, PublicKey holder) {
    KeyPair once = Keys.generate();
    byte[] encoded = once.getPublic().getEncoded();
    if (encoded.length != PUBLIC_BYTES) {
      throw new AssertionError("a public key on P-256 has 91 bytes, not " + encoded.length);
    }
    try {
      byte[] sealed =
          wrapping(once.getPrivate(), holder, encoded, holder)
              .seal(associated(), List.of(ByteBuffer.wrap(key.secret())));
      return ByteBuffer.allocate(BYTES).put(VERSION).put(encoded).put(sealed).array();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no ECDH on P-256", e);
    }
  }

  /**
   * The key that was wrapped for the holder of this pair.
   *
   * @throws IOException with one line for people if it was not, or not for this overlay
   */
  public OverlayKey unwrap(byte[] wrapped, PrivateKey key, PublicKey holder) throws IOException {
    byte[] secret = null;
    if (wrapped.length == BYTES && wrapped[0] == VERSION) {
      ByteBuffer source = ByteBuffer.wrap(wrapped);
      byte[] encoded = new byte[PUBLIC_BYTES];
      source.get(1, encoded);
      try {
        secret =
            wrapping(key, Keys.open(encoded), encoded, holder)
                .open(associated(), source.position(1 + PUBLIC_BYTES));
      } catch (GeneralSecurityException e) {
        throw new IOException(refusal(), e);
      }
    }
    if (secret == null) {
      throw new IOException(refusal());
    }
    return OverlayKey.of(secret);
  }

  private String refusal() {
    return "the wrapped key of " + node + " is damaged, or is another's";
  }

  private static AesGcm wrapping(
      PrivateKey own, PublicKey other, byte[] encodedOnce, PublicKey holder)
      throws GeneralSecurityException {
    KeyAgreement agreement = KeyAgreement.getInstance("ECDH");
    agreement.init(own);
    agreement.doPhase(other, true);
    byte[] name = "MapFS key wrap".getBytes(StandardCharsets.US_ASCII);
    byte[] encodedHolder = holder.getEncoded();
    byte[] info =
        ByteBuffer.allocate(name.length + encodedOnce.length + encodedHolder.length)
            .put(name)
            .put(encodedOnce)
            .put(encodedHolder)
            .array();
    return new AesGcm(Hkdf.derive(new byte[0], agreement.generateSecret(), info));
  }

  private byte[] associated() {
    return ("MapFS overlay key\n" + clusterId + "\n" + node + "\n" + overlayId + "\n")
        .getBytes(StandardCharsets.UTF_8);
  }
}
