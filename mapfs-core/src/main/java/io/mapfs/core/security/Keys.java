package io.mapfs.core.security;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;

/** Keys of certificates: EC on P-256, which every TLS library speaks. */
public final class Keys {
  static final String ALGORITHM = "EC";
  static final String SIGNATURE = "SHA256withECDSA";
  private static final String CURVE = "secp256r1";
  private static final int FIELD_BITS = 256;

  private Keys() {}

  public static KeyPair generate() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(ALGORITHM);
      generator.initialize(new ECGenParameterSpec(CURVE));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no elliptic curves", e);
    }
  }

  /** Reads a private key. */
  public static PrivateKey secret(byte[] pkcs8) throws IOException {
    try {
      return KeyFactory.getInstance(ALGORITHM).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
    } catch (GeneralSecurityException e) {
      throw new IOException("the private key is damaged", e);
    }
  }

  /**
   * Reads a public key that came from outside.
   *
   * @throws IOException if it is none on P-256
   */
  public static PublicKey open(byte[] spki) throws IOException {
    try {
      PublicKey key =
          KeyFactory.getInstance(ALGORITHM).generatePublic(new X509EncodedKeySpec(spki));
      if (key instanceof ECPublicKey ec
          && ec.getParams().getCurve().getField().getFieldSize() == FIELD_BITS) {
        return key;
      }
    } catch (GeneralSecurityException e) {
      throw new IOException("the public key is none on the curve P-256", e);
    }
    throw new IOException("the public key is none on the curve P-256");
  }
}
