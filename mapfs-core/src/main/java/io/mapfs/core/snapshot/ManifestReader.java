package io.mapfs.core.snapshot;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import io.mapfs.core.hash.Sha256;
import io.mapfs.core.journal.Change;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a delta manifest from a file: once to see that it is what was signed, then again to give
 * out its entries. For one thread.
 */
public final class ManifestReader {
  /** The longest line: an inode's whole xattr set in base64. */
  private static final int LINE_BYTES_MAX = 2 << 20;

  private static final Pattern END =
      Pattern.compile("end ([0-9]{1,18}) sha256=([0-9a-f]{64}) ed25519=([A-Za-z0-9+/=]{1,128})");

  private final Path file;
  private final ManifestHeader header;
  private final long entries;

  private ManifestReader(Path file, ManifestHeader header, long entries) {
    this.file = file;
    this.header = header;
    this.entries = entries;
  }

  /**
   * Opens a manifest and verifies all of it.
   *
   * @param verifies whether the second argument is the signature of the first
   * @throws ManifestFormatException if it is cut short, changed, of a newer format, or signed by
   *     someone else
   */
  public static ManifestReader open(Path file, BiPredicate<byte[], byte[]> verifies)
      throws IOException {
    Lines lines = new Lines(file);
    try (lines) {
      String first = lines.next();
      if (first == null) {
        throw lines.fault("it is empty", null);
      }
      ManifestHeader header = header(lines, first);
      MessageDigest digest = Sha256.newDigest();
      long entries = -1;
      String line = first;
      Matcher end = END.matcher(line);
      while (line != null && !end.matches()) {
        digest.update((line + "\n").getBytes(StandardCharsets.UTF_8));
        entries++;
        line = lines.next();
        end = END.matcher(line == null ? "" : line);
      }
      if (line == null) {
        throw lines.fault("its last line is missing: it was cut short", null);
      }
      byte[] hash = digest.digest();
      if (Long.parseLong(end.group(1)) != entries
          || !HexFormat.of().formatHex(hash).equals(end.group(2))) {
        throw lines.fault("it is not what was written: its checksum differs", null);
      }
      if (!verifies.test(hash, signature(lines, end.group(3)))) {
        throw lines.fault("its signature is not this appliance's", null);
      }
      if (lines.next() != null) {
        throw lines.fault("something stands behind its last line", null);
      }
      return new ManifestReader(file, header, entries);
    }
  }

  private static byte[] signature(Lines lines, String base64) throws ManifestFormatException {
    try {
      return Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw lines.fault("its signature is no base64", e);
    }
  }

  private static ManifestHeader header(Lines lines, String line) throws ManifestFormatException {
    ManifestHeader header;
    try {
      header = new Gson().fromJson(line, ManifestHeader.class);
    } catch (JsonParseException e) {
      throw lines.fault("it does not begin as a delta manifest does", e);
    }
    if (header == null || !ManifestHeader.KIND.equals(header.mapfs())) {
      throw lines.fault("it does not begin as a delta manifest does", null);
    }
    if (header.format() != ManifestHeader.FORMAT) {
      throw lines.fault(
          "it is of format "
              + header.format()
              + ", this release reads format "
              + ManifestHeader.FORMAT
              + ": use a newer release of MapFS",
          null);
    }
    return header;
  }

  public ManifestHeader header() {
    return header;
  }

  public long entries() {
    return entries;
  }

  /** Gives out the entries in order. */
  public void forEach(Consumer<Change> consumer) throws IOException {
    try (Lines lines = new Lines(file)) {
      lines.next();
      for (long i = 0; i < entries; i++) {
        String line = lines.next();
        try {
          consumer.accept(ManifestLine.parse(line));
        } catch (RuntimeException e) {
          throw lines.fault("line " + lines.number + " is no entry: " + e.getMessage(), e);
        }
      }
    }
  }

  /** Lines of UTF-8, each ended by a line feed; no longer than they may be. */
  private static final class Lines implements AutoCloseable {
    private final Path file;
    private final InputStream source;
    private long number;

    Lines(Path file) throws IOException {
      this.file = file;
      this.source = new BufferedInputStream(Files.newInputStream(file), 64 << 10);
    }

    /** The next line without its end; {@code null} after the last. */
    String next() throws IOException {
      ByteArrayOutputStream line = new ByteArrayOutputStream(256);
      number++;
      int next;
      while ((next = source.read()) >= 0) {
        if (next == '\n') {
          return decode(line);
        }
        if (line.size() >= LINE_BYTES_MAX) {
          throw fault("line " + number + " is too long", null);
        }
        line.write(next);
      }
      if (line.size() > 0) {
        throw fault("line " + number + " has no end: it was cut short", null);
      }
      return null;
    }

    private String decode(ByteArrayOutputStream line) throws ManifestFormatException {
      try {
        return StandardCharsets.UTF_8
            .newDecoder()
            .decode(ByteBuffer.wrap(line.toByteArray()))
            .toString();
      } catch (CharacterCodingException e) {
        throw fault("line " + number + " is not UTF-8", e);
      }
    }

    ManifestFormatException fault(String what, Throwable cause) {
      return new ManifestFormatException("manifest " + file + " cannot be used: " + what, cause);
    }

    @Override
    public void close() throws IOException {
      source.close();
    }
  }
}
