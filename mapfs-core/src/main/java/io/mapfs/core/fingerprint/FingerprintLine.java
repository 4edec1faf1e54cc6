package io.mapfs.core.fingerprint;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One name of a tree: {@code /etc/motd type=regular mode=0644 ...}.
 *
 * <p>Lines are in path order: the components of their paths compared one by one, by unsigned bytes.
 * That is the order in which a walk visits a tree with sorted directories.
 *
 * @param path from the tree's root on, beginning with a slash; blanks, control characters,
 *     backslashes and bytes outside ASCII stand as \xNN
 * @param fields name=value pairs, each without a blank, separated by one
 */
public record FingerprintLine(String path, String fields) implements Comparable<FingerprintLine> {

  /** Reads a line as {@link #toString} wrote it. */
  static FingerprintLine parse(String line) {
    int blank = line.indexOf(' ');
    if (!line.startsWith("/") || blank < 0) {
      throw new IllegalArgumentException("no fingerprint's line: " + line);
    }
    return new FingerprintLine(line.substring(0, blank), line.substring(blank + 1));
  }

  /** The path component for a name's bytes. */
  static String escape(byte[] name) {
    StringBuilder text = new StringBuilder(name.length);
    for (byte b : name) {
      if (b > ' ' && b < 0x7f && b != '\\') {
        text.append((char) b);
      } else {
        text.append(String.format("\\x%02x", b & 0xff));
      }
    }
    return text.toString();
  }

  private static byte[] unescape(String component) {
    if (component.indexOf('\\') < 0) {
      return component.getBytes(StandardCharsets.US_ASCII);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < component.length(); i++) {
      if (component.charAt(i) == '\\') {
        bytes.write(Integer.parseInt(component.substring(i + 2, i + 4), 16));
        i += 3;
      } else {
        bytes.write(component.charAt(i));
      }
    }
    return bytes.toByteArray();
  }

  /** The fields by name, in their order. */
  Map<String, String> fieldMap() {
    Map<String, String> map = new LinkedHashMap<>();
    for (String field : fields.split(" ")) {
      int equals = field.indexOf('=');
      map.put(field.substring(0, equals), field.substring(equals + 1));
    }
    return map;
  }

  @Override
  public int compareTo(FingerprintLine other) {
    if (path.equals(other.path)) {
      return 0;
    }
    String[] mine = path.split("/");
    String[] theirs = other.path.split("/");
    for (int i = 0; i < Math.min(mine.length, theirs.length); i++) {
      if (!mine[i].equals(theirs[i])) {
        return Arrays.compareUnsigned(unescape(mine[i]), unescape(theirs[i]));
      }
    }
    return Integer.compare(mine.length, theirs.length);
  }

  @Override
  public String toString() {
    return path + " " + fields;
  }
}
