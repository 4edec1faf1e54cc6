package io.mapfs.core.seal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.security.Keys;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KeyWrapTest {
  private final KeyWrap wrap = new KeyWrap("0123", "web01", 7);
  private final KeyPair holder = Keys.generate();
  private final OverlayKey key = OverlayKey.generate();

  @TempDir Path directory;

  private OverlayKey unwrap(KeyWrap by, byte[] wrapped, KeyPair pair) throws IOException {
    return by.unwrap(wrapped, pair.getPrivate(), pair.getPublic());
  }

  @Test
  void theHolderHasTheKeyAndNobodyElse() throws Exception {
    byte[] wrapped = wrap.wrap(key, holder.getPublic());
    assertEquals(KeyWrap.BYTES, wrapped.length);
    assertArrayEquals(key.secret(), unwrap(wrap, wrapped, holder).secret());
    assertFalse(Arrays.equals(wrapped, wrap.wrap(key, holder.getPublic())), "used once");
    assertThrows(IOException.class, () -> unwrap(wrap, wrapped, Keys.generate()));
  }

  @Test
  void aWrappedKeyIsForOneOverlayOfOneNodeOfOneAppliance() {
    byte[] wrapped = wrap.wrap(key, holder.getPublic());
    for (KeyWrap other :
        new KeyWrap[] {
          new KeyWrap("0124", "web01", 7),
          new KeyWrap("0123", "web02", 7),
          new KeyWrap("0123", "web01", 8)
        }) {
      assertThrows(IOException.class, () -> unwrap(other, wrapped, holder), other.toString());
    }
  }

  @Test
  void whatIsDamagedIsRefused() {
    byte[] wrapped = wrap.wrap(key, holder.getPublic());
    for (int at = 0; at < wrapped.length; at++) {
      byte[] damaged = wrapped.clone();
      damaged[at] ^= 1;
      assertThrows(IOException.class, () -> unwrap(wrap, damaged, holder), "byte " + at);
    }
    byte[] shorter = Arrays.copyOf(wrapped, wrapped.length - 1);
    assertThrows(IOException.class, () -> unwrap(wrap, shorter, holder));
  }

  @Test
  void aRecoveryKeyIsAFileForItsOwnerAlone() throws Exception {
    RecoveryKey made = RecoveryKey.generate();
    Path file = directory.resolve("recovery.pem");
    made.save(file);
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    RecoveryKey read = RecoveryKey.load(file);
    assertEquals(made.id(), read.id());
    byte[] wrapped = wrap.wrap(key, made.publicKey());
    assertArrayEquals(key.secret(), wrap.unwrap(wrapped, read.key(), read.publicKey()).secret());
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
    IOException open = assertThrows(IOException.class, () -> RecoveryKey.load(file));
    assertTrue(open.getMessage().contains("chmod 600"), open.getMessage());
  }
}
