package io.mapfs.core.security;

import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whom a certificate names.
 *
 * @param cluster the appliance's identity, 32 hexadecimal digits
 */
public record Identity(Role role, String name, String cluster) {
  private static final Pattern SUBJECT =
      Pattern.compile(
          "CN=([A-Za-z0-9][A-Za-z0-9._-]{0,62}),OU=(appliance|node|administrator),"
              + "O=([0-9a-f]{32})");

  /** As a certificate's subject (RFC 2253). */
  String subject() {
    return "CN=" + name + ",OU=" + role.text() + ",O=" + cluster;
  }

  /**
   * Reads a certificate's subject.
   *
   * @throws CertificateException if it is none of ours
   */
  public static Identity of(X509Certificate certificate) throws CertificateException {
    Matcher matcher = SUBJECT.matcher(certificate.getSubjectX500Principal().getName());
    if (!matcher.matches()) {
      throw new CertificateException("the certificate names nobody that MapFS knows");
    }
    return new Identity(
        Role.valueOf(matcher.group(2).toUpperCase(Locale.ROOT)),
        matcher.group(1),
        matcher.group(3));
  }
}
