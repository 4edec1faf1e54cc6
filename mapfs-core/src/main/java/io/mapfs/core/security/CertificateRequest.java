package io.mapfs.core.security;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PublicKey;
import java.security.Signature;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.PKCS10CertificationRequestBuilder;

/** Requests for a certificate (PKCS #10, RFC 2986), in PEM. */
public final class CertificateRequest {
  private CertificateRequest() {}

  /**
   * Asks for a certificate of this key.
   *
   * @param name for people; the authority decides whom the certificate names
   */
  public static String make(KeyPair pair, String name) {
    try {
      PKCS10CertificationRequest request =
          new PKCS10CertificationRequestBuilder(
                  X500Name.getInstance(new X500Principal("CN=" + name).getEncoded()),
                  SubjectPublicKeyInfo.getInstance(pair.getPublic().getEncoded()))
              .build(new Signer(pair.getPrivate()));
      return Pem.encode(Pem.REQUEST, request.getEncoded());
    } catch (IOException e) {
      throw new IllegalStateException("a request in memory can be encoded", e);
    }
  }

  /**
   * The key of a request that came from outside.
   *
   * @throws IOException if it is not well formed, of another curve, or not signed with its own key
   */
  public static PublicKey verifiedKey(String pem) throws IOException {
    try {
      PKCS10CertificationRequest request =
          new PKCS10CertificationRequest(Pem.decodeOne(Pem.REQUEST, pem));
      PublicKey key = Keys.open(request.getSubjectPublicKeyInfo().getEncoded());
      Signature signature = Signature.getInstance(Keys.SIGNATURE);
      signature.initVerify(key);
      signature.update(request.toASN1Structure().getCertificationRequestInfo().getEncoded());
      if (request.getSignatureAlgorithm().equals(Signer.ALGORITHM)
          && signature.verify(request.getSignature())) {
        return key;
      }
    } catch (GeneralSecurityException | RuntimeException e) {
      // The parser of formats says what it does not understand in exceptions of every kind.
      throw new IOException("the certificate request is damaged", e);
    }
    throw new IOException("the certificate request is not signed with its own key");
  }
}
