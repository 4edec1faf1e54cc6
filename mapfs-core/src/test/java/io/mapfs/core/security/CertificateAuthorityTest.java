package io.mapfs.core.security;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import org.junit.jupiter.api.Test;

final class CertificateAuthorityTest {
  private static final String CLUSTER = "0123456789abcdef".repeat(2);
  private static final CertificateAuthority AUTHORITY = CertificateAuthority.create(CLUSTER);

  private static X509Certificate[] chain(CertificateAuthority authority, Role role) {
    return new X509Certificate[] {
      authority.credential(role, "web01").certificate(), authority.certificate()
    };
  }

  @Test
  void certificatesNameTheirHolder() throws Exception {
    for (Role role : Role.values()) {
      X509Certificate certificate = AUTHORITY.credential(role, "web-0.1").certificate();
      assertEquals(new Identity(role, "web-0.1", CLUSTER), Identity.of(certificate));
      certificate.checkValidity(new java.util.Date(1_000_000_000));
      certificate.checkValidity(new java.util.Date(200_000_000_000_000L));
    }
    assertThrows(CertificateException.class, () -> Identity.of(AUTHORITY.certificate()));
  }

  @Test
  void clientsTrustTheApplianceAlone() throws Exception {
    Trust trust = Trust.inAppliance(AUTHORITY.certificate());
    trust.checkServerTrusted(chain(AUTHORITY, Role.APPLIANCE), "EC");
    for (Role role : new Role[] {Role.NODE, Role.ADMINISTRATOR}) {
      assertThrows(
          CertificateException.class, () -> trust.checkServerTrusted(chain(AUTHORITY, role), "EC"));
    }
    CertificateAuthority other = CertificateAuthority.create(CLUSTER);
    assertThrows(
        CertificateException.class,
        () -> trust.checkServerTrusted(chain(other, Role.APPLIANCE), "EC"));
    assertThrows(
        CertificateException.class,
        () -> trust.checkServerTrusted(new X509Certificate[] {AUTHORITY.certificate()}, "EC"));
    assertThrows(
        CertificateException.class, () -> trust.checkServerTrusted(new X509Certificate[0], "EC"));
  }

  @Test
  void whoHasATokenTrustsWhoeverItsFingerprintNames() throws Exception {
    Trust trust = Trust.inAppliance(Certificates.fingerprint(AUTHORITY.certificate()));
    X509Certificate[] chain = chain(AUTHORITY, Role.APPLIANCE);
    trust.checkServerTrusted(chain, "EC");
    CertificateAuthority other = CertificateAuthority.create(CLUSTER);
    X509Certificate[] imitation = chain(other, Role.APPLIANCE);
    assertThrows(CertificateException.class, () -> trust.checkServerTrusted(imitation, "EC"));
    // The right authority beside a certificate that it did not issue.
    imitation[1] = AUTHORITY.certificate();
    assertThrows(CertificateException.class, () -> trust.checkServerTrusted(imitation, "EC"));
  }

  @Test
  void theApplianceTrustsNodesAndAdministratorsAlone() throws Exception {
    Trust trust = Trust.inClients(AUTHORITY.certificate());
    trust.checkClientTrusted(chain(AUTHORITY, Role.NODE), "EC");
    trust.checkClientTrusted(chain(AUTHORITY, Role.ADMINISTRATOR), "EC");
    assertThrows(
        CertificateException.class,
        () -> trust.checkClientTrusted(chain(AUTHORITY, Role.APPLIANCE), "EC"));
    CertificateAuthority other = CertificateAuthority.create(CLUSTER);
    assertThrows(
        CertificateException.class, () -> trust.checkClientTrusted(chain(other, Role.NODE), "EC"));
  }

  @Test
  void anAuthorityIsTheSameAfterARestart() throws Exception {
    CertificateAuthority again = CertificateAuthority.decode(AUTHORITY.encode(), CLUSTER);
    assertEquals(AUTHORITY.certificate(), again.certificate());
    Trust.inClients(AUTHORITY.certificate()).checkClientTrusted(chain(again, Role.NODE), "EC");
  }

  @Test
  void requestsProveTheirKey() throws Exception {
    KeyPair pair = Keys.generate();
    String request = CertificateRequest.make(pair, "web01");
    assertEquals(pair.getPublic(), CertificateRequest.verifiedKey(request));
    byte[] der = Pem.decodeOne(Pem.REQUEST, request);
    int refused = 0;
    for (int at = 0; at < der.length; at++) {
      byte[] damaged = der.clone();
      damaged[at] ^= 4;
      try {
        // Some bytes may be written in more than one way; none may say another key.
        assertEquals(
            pair.getPublic(),
            CertificateRequest.verifiedKey(Pem.encode(Pem.REQUEST, damaged)),
            "byte " + at);
      } catch (IOException e) {
        refused++;
      }
    }
    assertTrue(refused > der.length - 5, refused + " of " + der.length);
    assertThrows(IOException.class, () -> CertificateRequest.verifiedKey("nothing"));
  }

  @Test
  void keysOfOtherCurvesAreRefused() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp384r1"));
    String request = CertificateRequest.make(generator.generateKeyPair(), "web01");
    IOException e = assertThrows(IOException.class, () -> CertificateRequest.verifiedKey(request));
    assertEquals("the public key is none on the curve P-256", e.getMessage());
  }

  @Test
  void pemSectionsComeBack() throws Exception {
    byte[] content =
        "any bytes, more than one line of them, as it happens".getBytes(StandardCharsets.UTF_8);
    String two = Pem.encode("A", content) + Pem.encode("B", new byte[3]);
    assertArrayEquals(content, Pem.decodeOne("A", two));
    assertEquals(0, Pem.decode("C", two).size());
    assertThrows(IOException.class, () -> Pem.decodeOne("A", two + two));
  }
}
