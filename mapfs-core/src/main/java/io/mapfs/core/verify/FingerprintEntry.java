package io.mapfs.core.verify;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One entry of a fingerprint: a path and its properties, in order.
 *
 * <p>As text: the path, then {@code key=value} for each, with single spaces between. In all of
 * these, a byte that is no graphic ASCII character, and the backslash, stand as {@code \xNN}; in
 * keys the equals sign too.
 *
 * @param path the path from the root, a char per byte; a dot for the root
 */
record FingerprintEntry(String path, Map<String, String> properties) {
  static final String ROOT = ".";

  /** Compares by path: a directory before all below it, names by unsigned bytes. */
  static int comparePaths(String a, String b) {
    if (a.equals(ROOT) || b.equals(ROOT)) {
      return Boolean.compare(b.equals(ROOT), a.equals(ROOT));
    }
    int common = Math.min(a.length(), b.length());
    for (int i = 0; i < common; i++) {
      // The slash ends a name, and so comes before every byte that a name can have.
      char left = a.charAt(i) == '/' ? 0 : a.charAt(i);
      char right = b.charAt(i) == '/' ? 0 : b.charAt(i);
      if (left != right) {
        return left - right;
      }
    }
    return a.length() - b.length();
  }

  String toLine() {
    StringBuilder line = new StringBuilder();
    escape(path, false, line);
    properties.forEach(
        (key, value) -> {
          line.append(' ');
          escape(key, true, line);
          line.append('=');
          escape(value, false, line);
        });
    return line.toString();
  }

  private static void escape(String text, boolean key, StringBuilder target) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c <= ' ' || c > '~' || c == '\\' || (key && c == '=')) {
        target.append(String.format("\\x%02x", (int) c));
      } else {
        target.append(c);
      }
    }
  }

  /**
   * Reads a line back.
   *
   * @throws IllegalArgumentException if it is none
   */
  static FingerprintEntry parse(String line) {
    String[] fields = line.split(" ", -1);
    Map<String, String> properties = new LinkedHashMap<>();
    for (int i = 1; i < fields.length; i++) {
      int equals = fields[i].indexOf('=');
      if (equals < 0) {
        throw new IllegalArgumentException("no key in \"" + fields[i] + "\"");
      }
      properties.put(
          unescape(fields[i].substring(0, equals)), unescape(fields[i].substring(equals + 1)));
    }
    return new FingerprintEntry(unescape(fields[0]), properties);
  }

  private static String unescape(String text) {
    if (text.indexOf('\\') < 0) {
      return text;
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) != '\\') {
        bytes.write(text.charAt(i));
        continue;
      }
      if (!text.startsWith("x", i + 1) || i + 4 > text.length()) {
        throw new IllegalArgumentException("a malformed escape in \"" + text + "\"");
      }
      bytes.write(Integer.parseInt(text, i + 2, i + 4, 16));
      i += 3;
    }
    return bytes.toString(ISO_8859_1);
  }
}
