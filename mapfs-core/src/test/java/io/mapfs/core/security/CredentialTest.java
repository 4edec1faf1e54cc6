package io.mapfs.core.security;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CredentialTest {
  @TempDir private Path temp;
  private final Credential credential =
      CertificateAuthority.create("0".repeat(32)).credential(Role.NODE, "web01");

  @Test
  void aFileHoldsItForItsOwnerAlone() throws Exception {
    Path file = temp.resolve("web01.pem");
    credential.save(file);
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    assertEquals(credential, Credential.load(file));
    assertEquals(new Identity(Role.NODE, "web01", "0".repeat(32)), credential.identity());
    for (String open : new String[] {"rw-r-----", "rw----r--", "rw-rw-rw-"}) {
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(open));
      IOException e = assertThrows(IOException.class, () -> Credential.load(file));
      assertTrue(e.getMessage().contains("chmod 600 " + file), e.getMessage());
    }
  }

  @Test
  void filesThatAreNoneAreRefused() throws Exception {
    Path file = temp.resolve("web01.pem");
    credential.save(file);
    String text = Files.readString(file);
    for (String bad :
        new String[] {
          "",
          text.substring(0, text.length() / 2),
          text.replace("PRIVATE KEY", "PUBLIC KEY"),
          text.replaceFirst("MI", "QQ"),
          "x".repeat(70_000)
        }) {
      Files.writeString(file, bad);
      IOException e = assertThrows(IOException.class, () -> Credential.load(file));
      assertTrue(e.getMessage().startsWith(file + " is no credential"), e.getMessage());
    }
  }

  @Test
  void textsForPeopleHaveNoSecretInThem() {
    byte[] authority = Certificates.fingerprint(credential.authority());
    JoinToken token = JoinToken.create("web01", authority);
    assertFalse(token.toString().contains(token.secret()), token.toString());
    String key = Pem.encode(Pem.PRIVATE_KEY, credential.key().getEncoded());
    assertFalse(credential.toString().contains(key.substring(60, 80)), credential.toString());
  }

  @Test
  void tokensComeThroughAsText() {
    byte[] authority = Certificates.fingerprint(credential.authority());
    JoinToken token = JoinToken.create("web.01", authority);
    JoinToken read = JoinToken.parse(token.text() + "\n");
    assertEquals("web.01", read.node());
    assertEquals(token.id(), read.id());
    assertEquals(token.secret(), read.secret());
    assertEquals(token.text(), read.text());
    for (String bad :
        new String[] {
          "",
          "x",
          token.text().substring(1),
          token.text().substring(0, token.text().length() - 4),
          token.text() + ":",
          token.text().replace(token.secret(), "!" + token.secret())
        }) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> JoinToken.parse(bad));
      assertFalse(e.getMessage().contains(token.secret()), e.getMessage());
    }
  }
}
