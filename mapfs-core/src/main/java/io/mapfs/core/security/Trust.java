package io.mapfs.core.security;

import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Accepts certificates that the authority issued itself to holders of the right role, whatever
 * their address: an appliance is known by its authority, not by the name that it is reached under.
 */
public final class Trust extends X509ExtendedTrustManager {
  private static final String SERVER_PURPOSE = "1.3.6.1.5.5.7.3.1";
  private static final String CLIENT_PURPOSE = "1.3.6.1.5.5.7.3.2";

  /** Finds the authority's certificate. */
  private interface Anchor {
    X509Certificate of(X509Certificate[] chain) throws CertificateException;
  }

  private final Anchor anchor;
  private final X509Certificate[] issuers;
  private final Set<Role> roles;

  private Trust(Anchor anchor, X509Certificate[] issuers, Set<Role> roles) {
    this.anchor = anchor;
    this.issuers = issuers;
    this.roles = roles;
  }

  /** Trusts an appliance of this authority. */
  public static Trust inAppliance(X509Certificate authority) {
    return new Trust(
        chain -> authority, new X509Certificate[] {authority}, EnumSet.of(Role.APPLIANCE));
  }

  /** Trusts an appliance that shows an authority with this fingerprint. */
  public static Trust inAppliance(byte[] fingerprint) {
    byte[] expected = fingerprint.clone();
    return new Trust(
        chain -> {
          X509Certificate last = chain[chain.length - 1];
          if (!MessageDigest.isEqual(expected, Certificates.fingerprint(last))) {
            throw new CertificateException("it is another appliance than the token's");
          }
          return last;
        },
        new X509Certificate[0],
        EnumSet.of(Role.APPLIANCE));
  }

  /** Trusts nodes and administrators of this authority. */
  public static Trust inClients(X509Certificate authority) {
    return new Trust(
        chain -> authority,
        new X509Certificate[] {authority},
        EnumSet.of(Role.NODE, Role.ADMINISTRATOR));
  }

  private void check(X509Certificate[] chain, String purpose) throws CertificateException {
    if (chain == null || chain.length == 0) {
      throw new CertificateException("there is no certificate");
    }
    X509Certificate holder = chain[0];
    X509Certificate authority = anchor.of(chain);
    try {
      holder.verify(authority.getPublicKey());
    } catch (GeneralSecurityException e) {
      throw new CertificateException("another authority issued the certificate", e);
    }
    holder.checkValidity();
    List<String> purposes = holder.getExtendedKeyUsage();
    if (holder.getBasicConstraints() >= 0 || purposes == null || !purposes.contains(purpose)) {
      throw new CertificateException("the certificate is for another purpose");
    }
    if (!roles.contains(Identity.of(holder).role())) {
      throw new CertificateException("the certificate is for another role");
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
    check(chain, CLIENT_PURPOSE);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    check(chain, SERVER_PURPOSE);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    checkClientTrusted(chain, type);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    checkServerTrusted(chain, type);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    checkClientTrusted(chain, type);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    checkServerTrusted(chain, type);
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return issuers.clone();
  }
}
