package io.mapfs.server.store;

import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.security.Pem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;

/** The appliance's Ed25519 key (RFC 8032), which vouches for versions and manifests. */
public final class SigningKey {
  private static final String ALGORITHM = "Ed25519";

  private final PrivateKey secret;
  private final PublicKey open;

  private SigningKey(PrivateKey secret, PublicKey open) {
    this.secret = secret;
    this.open = open;
  }

  /** Makes a key and keeps it in two PEM files, the secret one of mode 0600. */
  static void generate(Path secretFile, Path openFile) throws IOException {
    try {
      KeyPair pair = KeyPairGenerator.getInstance(ALGORITHM).generateKeyPair();
      DurableFiles.write(secretFile, Pem.file(Pem.PRIVATE_KEY, pair.getPrivate().getEncoded()));
      DurableFiles.write(openFile, Pem.file(Pem.PUBLIC_KEY, pair.getPublic().getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new IOException("this Java has no " + ALGORITHM, e);
    }
  }

  static SigningKey read(Path secretFile, Path openFile) throws IOException {
    try {
      KeyFactory factory = KeyFactory.getInstance(ALGORITHM);
      SigningKey key =
          new SigningKey(
              factory.generatePrivate(
                  new PKCS8EncodedKeySpec(
                      Pem.decodeOne(Pem.PRIVATE_KEY, Files.readString(secretFile)))),
              factory.generatePublic(
                  new X509EncodedKeySpec(
                      Pem.decodeOne(Pem.PUBLIC_KEY, Files.readString(openFile)))));
      byte[] probe = "probe".getBytes(StandardCharsets.UTF_8);
      if (!key.verifies(probe, key.sign(probe))) {
        throw new IOException(secretFile + " and " + openFile + " are not a pair");
      }
      return key;
    } catch (GeneralSecurityException e) {
      throw new IOException(
          "the signing key in " + secretFile.getParent() + " is damaged: restore it", e);
    }
  }

  public byte[] sign(byte[] text) {
    try {
      Signature signature = Signature.getInstance(ALGORITHM);
      signature.initSign(secret);
      signature.update(text);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a key that was read can sign", e);
    }
  }

  public boolean verifies(byte[] text, byte[] signatureBytes) {
    try {
      Signature signature = Signature.getInstance(ALGORITHM);
      signature.initVerify(open);
      signature.update(text);
      return signature.verify(signatureBytes);
    } catch (GeneralSecurityException e) {
      // A signature that is not even well formed vouches for nothing.
      return false;
    }
  }

  public PublicKey publicKey() {
    return open;
  }
}
