package io.mapfs.core.seal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** The test vectors of RFC 5869, appendix A.1 and A.3: the first 32 bytes. */
final class HkdfTest {
  private static final HexFormat HEX = HexFormat.of();

  @Test
  void derivesWhatTheStandardSays() {
    byte[] secret = new byte[22];
    Arrays.fill(secret, (byte) 0x0b);
    assertEquals(
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
        HEX.formatHex(
            Hkdf.derive(
                HEX.parseHex("000102030405060708090a0b0c"),
                secret,
                HEX.parseHex("f0f1f2f3f4f5f6f7f8f9"))));
    assertEquals(
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
        HEX.formatHex(Hkdf.derive(new byte[0], secret, new byte[0])));
  }
}
