package io.mapfs.server.store;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.files.SecretFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The key of an encrypted overlay as the appliance keeps it: wrapped for those who may have it, in
 * a file of its own, which can be written over when the key is to be erased.
 *
 * @param format {@link #FORMAT}
 * @param overlay the overlay's number
 * @param check by what the right key is known, base64
 * @param wraps one for each who may have it
 */
public record KeyFile(int format, long overlay, String check, List<Wrap> wraps) {
  public static final int FORMAT = 1;

  /** Holders of a wrapped key. */
  public static final String NODE = "node";

  public static final String RECOVERY = "recovery";

  private static final int MAX_BYTES = 1 << 20;
  private static final Gson GSON = new Gson();

  /**
   * The key, wrapped.
   *
   * @param holder {@link #NODE} or {@link #RECOVERY}
   * @param id the credential's, or the recovery key's
   * @param wrapped base64
   */
  public record Wrap(String holder, String id, String wrapped) {}

  public static KeyFile of(long overlay, String check, List<Wrap> wraps) {
    return new KeyFile(FORMAT, overlay, check, List.copyOf(wraps));
  }

  /** Where it is, by the node's own directory. */
  private static Path file(Path directory) {
    return directory.resolve("key");
  }

  public static boolean exists(Path directory) {
    return Files.exists(file(directory));
  }

  /**
   * Reads the file of a node.
   *
   * @throws IOException also if it is damaged, or another overlay's
   */
  public static KeyFile read(Path directory, long overlay) throws IOException {
    Path file = file(directory);
    KeyFile read;
    try {
      read = GSON.fromJson(SecretFiles.read(file, MAX_BYTES, "overlay's key"), KeyFile.class);
    } catch (JsonParseException e) {
      throw damaged(file);
    }
    if (read != null && read.format > FORMAT) {
      throw new IOException(
          file + " is of format " + read.format + ": use a newer release of MapFS");
    }
    if (read == null
        || read.format != FORMAT
        || read.overlay != overlay
        || read.check == null
        || read.wraps == null) {
      throw damaged(file);
    }
    return read;
  }

  private static IOException damaged(Path file) {
    return new CorruptBlockException(file + " is damaged: restore it from a backup of the store");
  }

  /** Writes it; what stood there before is written over. Durable on return. */
  public void write(Path directory) throws IOException {
    SecretFiles.write(file(directory), (GSON.toJson(this) + "\n").getBytes(StandardCharsets.UTF_8));
  }

  /** Writes zeros over it and deletes it; durable on return. */
  public static void erase(Path directory) throws IOException {
    SecretFiles.erase(file(directory));
  }

  /** The key as it is wrapped for a holder, or {@code null}. */
  public Wrap find(String holder, String id) {
    for (Wrap wrap : wraps) {
      if (wrap.holder().equals(holder) && wrap.id().equals(id)) {
        return wrap;
      }
    }
    return null;
  }
}
