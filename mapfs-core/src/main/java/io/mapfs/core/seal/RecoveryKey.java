package io.mapfs.core.seal;

import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.files.SecretFiles;
import io.mapfs.core.hash.Sha256;
import io.mapfs.core.security.Keys;
import io.mapfs.core.security.Pem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.util.HexFormat;

/**
 * The administrator's key to all encrypted overlays, kept off line: a pair on P-256 in one PEM file
 * of mode 0600. The appliance has the public half alone.
 */
public record RecoveryKey(PrivateKey key, PublicKey publicKey) {
  private static final int MAX_BYTES = 64 * 1024;
  private static final int ID_BYTES = 16;

  public static RecoveryKey generate() {
    KeyPair pair = Keys.generate();
    return new RecoveryKey(pair.getPrivate(), pair.getPublic());
  }

  /**
   * Reads a file that {@link #save} wrote.
   *
   * @throws IOException with one line for people if it is none, or if others may read it
   */
  public static RecoveryKey load(Path file) throws IOException {
    String text = SecretFiles.read(file, MAX_BYTES, "recovery key");
    try {
      return new RecoveryKey(
          Keys.secret(Pem.decodeOne(Pem.PRIVATE_KEY, text)),
          Keys.open(Pem.decodeOne(Pem.PUBLIC_KEY, text)));
    } catch (IOException e) {
      throw new IOException(file + " is no recovery key: " + e.getMessage(), e);
    }
  }

  /** Writes it to a file of mode 0600, durable on return. */
  public void save(Path file) throws IOException {
    String pem =
        Pem.encode(Pem.PRIVATE_KEY, key.getEncoded())
            + Pem.encode(Pem.PUBLIC_KEY, publicKey.getEncoded());
    DurableFiles.write(file, pem.getBytes(StandardCharsets.US_ASCII));
  }

  /** Names it; no secret. */
  public String id() {
    return id(publicKey);
  }

  /** Names the pair of a public key: half of its SHA-256, 32 hexadecimal digits. */
  public static String id(PublicKey publicKey) {
    return HexFormat.of().formatHex(Sha256.of(publicKey.getEncoded()), 0, ID_BYTES);
  }

  /** Says nothing of the private key. */
  @Override
  public String toString() {
    return "recovery key " + id();
  }
}
