package io.mapfs.core.security;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;

/** Offers one credential in a TLS handshake, without the detour of a key store. */
public final class OwnKey extends X509ExtendedKeyManager {
  private static final String ALIAS = "own";

  private final Credential credential;

  public OwnKey(Credential credential) {
    this.credential = credential;
  }

  private static String forType(String... types) {
    for (String type : types) {
      if (type.startsWith(Keys.ALGORITHM)) {
        return ALIAS;
      }
    }
    return null;
  }

  @Override
  public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
    return forType(types);
  }

  @Override
  public String chooseEngineClientAlias(String[] types, Principal[] issuers, SSLEngine engine) {
    return forType(types);
  }

  @Override
  public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
    return forType(type);
  }

  @Override
  public String chooseEngineServerAlias(String type, Principal[] issuers, SSLEngine engine) {
    return forType(type);
  }

  @Override
  public String[] getClientAliases(String type, Principal[] issuers) {
    return new String[] {ALIAS};
  }

  @Override
  public String[] getServerAliases(String type, Principal[] issuers) {
    return new String[] {ALIAS};
  }

  /** The authority's too, for those who know it by its fingerprint alone. */
  @Override
  public X509Certificate[] getCertificateChain(String alias) {
    return new X509Certificate[] {credential.certificate(), credential.authority()};
  }

  @Override
  public PrivateKey getPrivateKey(String alias) {
    return credential.key();
  }
}
