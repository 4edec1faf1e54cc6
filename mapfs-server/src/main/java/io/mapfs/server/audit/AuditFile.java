package io.mapfs.server.audit;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.mapfs.core.hash.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * One file of the audit log: lines of a hash, a blank and a JSON object. The hash is SHA-256 of the
 * line before's hash (as text) and the object's bytes; the first line's object names the hash that
 * the file before ended with.
 */
final class AuditFile {
  private static final String PREVIOUS = "previous";
  private static final int HASH_CHARS = 64;

  /** What no line comes before. */
  static final String NOTHING = "0".repeat(HASH_CHARS);

  private final List<JsonObject> entries = new ArrayList<>();
  private String previous = NOTHING;
  private String last = NOTHING;
  private long wholeBytes;
  private String fault;

  private AuditFile() {}

  /** A line with its line feed. */
  static byte[] line(String before, JsonObject object) {
    String json = object.toString();
    return (hash(before, json) + " " + json + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /** The hash that a line begins with. */
  static String hashOf(byte[] line) {
    return new String(line, 0, HASH_CHARS, StandardCharsets.US_ASCII);
  }

  /** The first line of a file. */
  static JsonObject head(String previousHash) {
    JsonObject head = new JsonObject();
    head.addProperty("audit", 1);
    head.addProperty(PREVIOUS, previousHash);
    return head;
  }

  private static String hash(String before, String json) {
    return HexFormat.of().formatHex(Sha256.of((before + json).getBytes(StandardCharsets.UTF_8)));
  }

  /** Reads a file up to its end, or to the first line that is not what was written. */
  static AuditFile read(Path path) throws IOException {
    AuditFile file = new AuditFile();
    file.accept(Files.readAllBytes(path));
    return file;
  }

  private void accept(byte[] content) {
    String before = NOTHING;
    int at = 0;
    while (at < content.length && fault == null) {
      int end = at;
      while (end < content.length && content[end] != '\n') {
        end++;
      }
      if (end == content.length) {
        fault = "the last line is not whole";
      } else {
        JsonObject object =
            object(new String(content, at, end - at, StandardCharsets.UTF_8), before);
        if (object == null) {
          fault = "the line at byte " + at + " is not what was written";
        } else {
          if (at == 0) {
            previous = object.get(PREVIOUS).getAsString();
          } else {
            entries.add(object);
          }
          last = new String(content, at, HASH_CHARS, StandardCharsets.US_ASCII);
          before = last;
          at = end + 1;
        }
      }
    }
    wholeBytes = at;
  }

  /** The object of a line; {@code null} if the line is damaged. */
  private static JsonObject object(String line, String before) {
    if (line.length() <= HASH_CHARS || line.charAt(HASH_CHARS) != ' ') {
      return null;
    }
    String json = line.substring(HASH_CHARS + 1);
    if (!line.substring(0, HASH_CHARS).equals(hash(before, json))) {
      return null;
    }
    try {
      return JsonParser.parseString(json).getAsJsonObject();
    } catch (JsonParseException | IllegalStateException e) {
      return null;
    }
  }

  List<JsonObject> entries() {
    return entries;
  }

  /** The hash that the file before is to end with. */
  String previous() {
    return previous;
  }

  /** The last good line's hash. */
  String last() {
    return last;
  }

  /** Up to where the file is good. */
  long wholeBytes() {
    return wholeBytes;
  }

  /** What is wrong with it; {@code null} for nothing. */
  String fault() {
    return fault;
  }

  /** Whether all that is wrong is that a crash cut the last line off. */
  boolean isTorn() {
    return fault != null && fault.startsWith("the last line");
  }
}
