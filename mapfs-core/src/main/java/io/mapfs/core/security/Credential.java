package io.mapfs.core.security;

import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.files.SecretFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * What somebody proves with who it is: a private key, the certificate of it, and the authority's
 * own certificate, by which the other end is known. Kept in one PEM file of mode 0600.
 */
public record Credential(PrivateKey key, X509Certificate certificate, X509Certificate authority) {
  private static final int MAX_BYTES = 64 * 1024;

  /**
   * Reads a file that {@link #save} wrote.
   *
   * @throws IOException with one line for people if it is none, or if others may read it
   */
  public static Credential load(Path file) throws IOException {
    String text = SecretFiles.read(file, MAX_BYTES, "credential");
    try {
      return decode(text);
    } catch (IOException e) {
      throw new IOException(file + " is no credential: " + e.getMessage(), e);
    }
  }

  private static Credential decode(String pem) throws IOException {
    List<byte[]> certificates = Pem.decode(Pem.CERTIFICATE, pem);
    if (certificates.size() != 2) {
      throw new IOException("it has " + certificates.size() + " certificates, not two");
    }
    return new Credential(
        Keys.secret(Pem.decodeOne(Pem.PRIVATE_KEY, pem)),
        Certificates.parse(certificates.get(0)),
        Certificates.parse(certificates.get(1)));
  }

  /** Whom it is for. */
  public Identity identity() throws IOException {
    try {
      return Identity.of(certificate);
    } catch (CertificateException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /** Writes it to a file of mode 0600, durable on return; replaces one of that name. */
  public void save(Path file) throws IOException {
    String pem =
        Pem.encode(Pem.PRIVATE_KEY, key.getEncoded())
            + Certificates.pem(certificate)
            + Certificates.pem(authority);
    DurableFiles.write(file, pem.getBytes(StandardCharsets.US_ASCII));
  }

  /** Says nothing of the key. */
  @Override
  public String toString() {
    return "credential of " + certificate.getSubjectX500Principal();
  }
}
