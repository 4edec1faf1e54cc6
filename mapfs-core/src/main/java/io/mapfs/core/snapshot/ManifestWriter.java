package io.mapfs.core.snapshot;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.mapfs.core.hash.Sha256;
import io.mapfs.core.journal.Change;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import java.util.function.UnaryOperator;

/**
 * Writes a delta manifest: the header's line, an entry a line in the order given (the rows' own), a
 * last line that counts them and vouches for all before it. For one thread.
 */
public final class ManifestWriter {
  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  private final OutputStream target;
  private final MessageDigest digest;
  private long entries;
  private long bytes;

  /** Borrows the target, which should be buffered. */
  public ManifestWriter(OutputStream target, ManifestHeader header) throws IOException {
    this.target = target;
    this.digest = Sha256.newDigest();
    line(GSON.toJson(header));
  }

  /**
   * Writes an entry.
   *
   * @param change one that a head is stated with
   * @param path where it is, for people; escaped by {@link PathText}; {@code null} if nowhere
   */
  public void entry(Change change, String path) throws IOException {
    line(ManifestLine.format(change, path == null ? "?" : path));
    entries++;
  }

  /**
   * Writes the last line. The target is not flushed.
   *
   * @param sign gives the Ed25519 signature of what it is given: the SHA-256 of all lines before
   * @return the manifest's length in bytes
   */
  public long finish(UnaryOperator<byte[]> sign) throws IOException {
    byte[] hash = digest.digest();
    write(
        "end "
            + entries
            + " sha256="
            + HexFormat.of().formatHex(hash)
            + " ed25519="
            + Base64.getEncoder().encodeToString(sign.apply(hash))
            + "\n");
    return bytes;
  }

  private void line(String text) throws IOException {
    digest.update(write(text + "\n"));
  }

  private byte[] write(String text) throws IOException {
    byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
    target.write(encoded);
    bytes += encoded.length;
    return encoded;
  }
}
