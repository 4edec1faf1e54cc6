package io.mapfs.server.store;

import io.mapfs.core.hash.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * Text, each byte a character, with a last line that has its checksum: {@code sha256} and 64
 * hexadecimal digits, of the bytes before that line.
 */
final class SignedText {
  private static final String TRAILER = "sha256 ";

  private SignedText() {}

  /** The text with its checksum. */
  static String of(String body) {
    byte[] hash = Sha256.of(body.getBytes(StandardCharsets.ISO_8859_1));
    return body + TRAILER + HexFormat.of().formatHex(hash) + "\n";
  }

  /** The text without its checksum; {@code null} if there is none, or it is another's. */
  static String body(String signed) {
    int trailer = signed.lastIndexOf(TRAILER);
    String body = trailer < 0 ? null : signed.substring(0, trailer);
    return body != null && signed.equals(of(body)) ? body : null;
  }
}
