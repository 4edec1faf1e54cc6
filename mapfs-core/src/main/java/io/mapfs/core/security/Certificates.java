package io.mapfs.core.security;

import io.mapfs.core.hash.Sha256;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.HexFormat;

/** Reading certificates. */
public final class Certificates {
  private Certificates() {}

  static X509Certificate parse(byte[] der) throws IOException {
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(der));
    } catch (CertificateException e) {
      throw new IOException("the certificate is damaged", e);
    }
  }

  /** The certificate in a text with one PEM section of that kind. */
  public static X509Certificate parse(String pem) throws IOException {
    return parse(Pem.decodeOne(Pem.CERTIFICATE, pem));
  }

  public static String pem(X509Certificate certificate) {
    return Pem.encode(Pem.CERTIFICATE, der(certificate));
  }

  /** SHA-256 of the whole certificate. */
  public static byte[] fingerprint(X509Certificate certificate) {
    return Sha256.of(der(certificate));
  }

  /** Its serial number, under which the appliance remembers it: 32 hexadecimal digits. */
  public static String id(X509Certificate certificate) {
    byte[] id = new byte[CertificateAuthority.SERIAL_BYTES];
    byte[] number = certificate.getSerialNumber().toByteArray();
    int bytes = Math.min(id.length, number.length);
    System.arraycopy(number, number.length - bytes, id, id.length - bytes, bytes);
    return HexFormat.of().formatHex(id);
  }

  private static byte[] der(X509Certificate certificate) {
    try {
      return certificate.getEncoded();
    } catch (CertificateEncodingException e) {
      throw new IllegalArgumentException("a certificate that cannot be encoded", e);
    }
  }
}
