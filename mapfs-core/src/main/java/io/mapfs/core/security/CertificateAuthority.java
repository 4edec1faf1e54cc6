package io.mapfs.core.security;

import java.io.IOException;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Date;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509v3CertificateBuilder;

/** The appliance's own authority. Immutable. */
public final class CertificateAuthority {
  /** Of a random serial number; the first bit is 0. */
  static final int SERIAL_BYTES = 16;

  /** Before any clock, and the date that says "no expiry" (RFC 5280, 4.1.2.5). */
  private static final Date FROM = Date.from(Instant.parse("1970-01-02T00:00:00Z"));

  private static final Date TO = Date.from(Instant.parse("9999-12-31T23:59:59Z"));

  private final PrivateKey key;
  private final X509Certificate certificate;
  private final String cluster;

  private CertificateAuthority(PrivateKey key, X509Certificate certificate, String cluster) {
    this.key = key;
    this.certificate = certificate;
    this.cluster = cluster;
  }

  /**
   * Makes one.
   *
   * @param cluster the appliance's identity, 32 hexadecimal digits
   */
  public static CertificateAuthority create(String cluster) {
    KeyPair pair = Keys.generate();
    X500Principal name = new X500Principal("CN=MapFS authority,O=" + cluster);
    X509Certificate certificate =
        sign(pair.getPrivate(), name, name, pair.getPublic(), CertificateAuthority::describeOwn);
    return new CertificateAuthority(pair.getPrivate(), certificate, cluster);
  }

  /** What {@link #encode} wrote. */
  public static CertificateAuthority decode(String pem, String cluster) throws IOException {
    return new CertificateAuthority(
        Keys.secret(Pem.decodeOne(Pem.PRIVATE_KEY, pem)), Certificates.parse(pem), cluster);
  }

  /** Key and certificate: a secret. */
  public String encode() {
    return Pem.encode(Pem.PRIVATE_KEY, key.getEncoded()) + Certificates.pem(certificate);
  }

  public X509Certificate certificate() {
    return certificate;
  }

  /** Issues a certificate for a key whose holder is known to have this role and name. */
  public X509Certificate issue(Role role, String name, PublicKey holder) {
    return sign(
        key,
        certificate.getSubjectX500Principal(),
        new X500Principal(new Identity(role, name, cluster).subject()),
        holder,
        builder -> describe(builder, role));
  }

  /** Makes a key and issues its certificate. */
  public Credential credential(Role role, String name) {
    KeyPair pair = Keys.generate();
    return new Credential(pair.getPrivate(), issue(role, name, pair.getPublic()), certificate);
  }

  private interface Description {
    void add(X509v3CertificateBuilder builder) throws IOException;
  }

  private static void describeOwn(X509v3CertificateBuilder builder) throws IOException {
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
    builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign));
  }

  private static void describe(X509v3CertificateBuilder builder, Role role) throws IOException {
    KeyPurposeId purpose =
        role == Role.APPLIANCE ? KeyPurposeId.id_kp_serverAuth : KeyPurposeId.id_kp_clientAuth;
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
    builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
    builder.addExtension(Extension.extendedKeyUsage, true, new ExtendedKeyUsage(purpose));
  }

  private static X509Certificate sign(
      PrivateKey key,
      X500Principal issuer,
      X500Principal subject,
      PublicKey holder,
      Description description) {
    byte[] serial = new byte[SERIAL_BYTES];
    new SecureRandom().nextBytes(serial);
    serial[0] &= 0x7F;
    try {
      X509v3CertificateBuilder builder =
          new X509v3CertificateBuilder(
              X500Name.getInstance(issuer.getEncoded()),
              new BigInteger(1, serial),
              FROM,
              TO,
              X500Name.getInstance(subject.getEncoded()),
              SubjectPublicKeyInfo.getInstance(holder.getEncoded()));
      description.add(builder);
      return Certificates.parse(builder.build(new Signer(key)).getEncoded());
    } catch (IOException e) {
      throw new IllegalStateException("a certificate in memory can be encoded", e);
    }
  }
}
