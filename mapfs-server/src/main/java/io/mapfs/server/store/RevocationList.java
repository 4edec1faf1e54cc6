package io.mapfs.server.store;

import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.kv.DamagedStoreException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;

/**
 * What was revoked, in a file beside the authority's key, so that it outlives the control records:
 * ids of certificates, and of tokens that were revoked or used. Text:
 *
 * <pre>
 *   MapFS revocations
 *   format 1
 *   (an id, one line each, in ascending order)
 *   sha256 (of the bytes before this line, 64 hexadecimal digits)
 * </pre>
 *
 * <p>Safe for concurrent use.
 */
public final class RevocationList {
  private static final String HEAD = "MapFS revocations\nformat 1\n";

  private final Path file;
  private final Set<String> ids;
  private boolean exists;

  private RevocationList(Path file, Set<String> ids, boolean exists) {
    this.file = file;
    this.ids = ids;
    this.exists = exists;
  }

  /**
   * Reads the file, if it is there.
   *
   * @throws DamagedStoreException if it fails its checksum
   */
  static RevocationList open(Path file) throws IOException {
    if (!Files.exists(file)) {
      return new RevocationList(file, new TreeSet<>(), false);
    }
    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
    String body = SignedText.body(text);
    if (body == null || !body.startsWith(HEAD)) {
      throw new DamagedStoreException(
          file + " is damaged, or of a newer release: restore it from a copy of the store", null);
    }
    return new RevocationList(
        file, new TreeSet<>(body.substring(HEAD.length()).lines().toList()), true);
  }

  /** Whether the file is there: it is from the first administrator on. */
  synchronized boolean exists() {
    return exists;
  }

  public synchronized boolean contains(String id) {
    return ids.contains(id);
  }

  /** Adds them, durable on return; makes the file if it is not there. */
  public synchronized void add(Collection<String> more) throws IOException {
    Set<String> all = new TreeSet<>(ids);
    if (!all.addAll(more) && exists) {
      return;
    }
    StringBuilder body = new StringBuilder(HEAD);
    all.forEach(id -> body.append(id).append('\n'));
    DurableFiles.write(file, SignedText.of(body.toString()).getBytes(StandardCharsets.ISO_8859_1));
    ids.addAll(more);
    exists = true;
  }
}
