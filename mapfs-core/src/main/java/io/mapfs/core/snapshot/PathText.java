package io.mapfs.core.snapshot;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * Names as text, without loss: printable UTF-8 stands as it is; a backslash is doubled; every other
 * byte (control characters, double quotes, what is not UTF-8) is {@code \xHH}.
 */
public final class PathText {
  private static final HexFormat HEX = HexFormat.of();

  private PathText() {}

  public static String escape(byte[] bytes) {
    StringBuilder text = new StringBuilder(bytes.length);
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    int at = 0;
    while (at < bytes.length) {
      int length = sequenceLength(bytes[at]);
      CharBuffer decoded = CharBuffer.allocate(2);
      decoder.reset();
      boolean whole =
          length > 0
              && at + length <= bytes.length
              && decoder.decode(ByteBuffer.wrap(bytes, at, length), decoded, true)
                  == CoderResult.UNDERFLOW;
      int codePoint = whole ? Character.codePointAt(decoded.flip(), 0) : -1;
      if (codePoint == '\\') {
        text.append("\\\\");
      } else if (whole && isPrintable(codePoint)) {
        text.appendCodePoint(codePoint);
      } else {
        length = whole ? length : 1;
        for (int i = at; i < at + length; i++) {
          text.append("\\x").append(HEX.toHexDigits(bytes[i]));
        }
      }
      at += length;
    }
    return text.toString();
  }

  private static int sequenceLength(byte first) {
    int value = first & 0xFF;
    return value < 0x80 ? 1 : value < 0xC2 ? 0 : value < 0xE0 ? 2 : value < 0xF0 ? 3 : 4;
  }

  private static boolean isPrintable(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> codePoint != '"';
    };
  }

  /**
   * The bytes that were escaped.
   *
   * @throws IllegalArgumentException if a backslash stands for nothing
   */
  public static byte[] unescape(String text) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length());
    int at = 0;
    while (at < text.length()) {
      char next = text.charAt(at);
      if (next != '\\') {
        int end = text.indexOf('\\', at);
        end = end < 0 ? text.length() : end;
        bytes.writeBytes(text.substring(at, end).getBytes(StandardCharsets.UTF_8));
        at = end;
      } else if (text.startsWith("\\\\", at)) {
        bytes.write('\\');
        at += 2;
      } else if (text.startsWith("\\x", at) && at + 4 <= text.length()) {
        bytes.write(HexFormat.fromHexDigits(text, at + 2, at + 4));
        at += 4;
      } else {
        throw new IllegalArgumentException("a backslash stands for nothing in " + text);
      }
    }
    return bytes.toByteArray();
  }
}
