package io.mapfs.server.store;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The file FORMAT: what a store directory is. Text, four lines:
 *
 * <pre>
 *   MapFS store
 *   format 1 (2: it may have encrypted overlays)
 *   cluster 0123456789abcdef0123456789abcdef
 *   sha256 (of the bytes before this line, 64 hexadecimal digits)
 * </pre>
 *
 * @param clusterId the appliance's identity, 32 hexadecimal digits
 * @param version {@link #PLAIN} or {@link #ENCRYPTED}
 */
record StoreFormat(String clusterId, int version) {
  static final int PLAIN = 1;

  /** Older releases would take an encrypted overlay for a damaged one. */
  static final int ENCRYPTED = 2;

  private static final String MAGIC = "MapFS store\n";
  private static final int MAX_BYTES = 4096;

  String encode() {
    return SignedText.of(MAGIC + "format " + version + "\ncluster " + clusterId + "\n");
  }

  /**
   * Reads the file.
   *
   * @throws ApplianceException INVALID if it is not a store's, INCOMPATIBLE if it is of a newer
   *     release, CORRUPT if it fails its checksum
   */
  static StoreFormat read(Path file) throws ApplianceException, IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw corrupt(file);
    }
    String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    if (!text.startsWith(MAGIC)) {
      throw new ApplianceException(
          FailureCode.CORRUPT, file + " is not that of a MapFS store: give --store the right one");
    }
    // The version is read before the checksum: a newer release may have another one.
    String[] lines = text.split("\n", -1);
    int version = number(lines.length > 1 ? lines[1] : "");
    if (version > ENCRYPTED) {
      throw new ApplianceException(
          FailureCode.INCOMPATIBLE,
          file.getParent()
              + " is a store of format "
              + version
              + ", this release reads formats to "
              + ENCRYPTED
              + ": use a newer release of MapFS");
    }
    if (version < 1
        || lines.length != 5
        || SignedText.body(text) == null
        || !lines[2].matches("cluster [0-9a-f]{32}")) {
      throw corrupt(file);
    }
    return new StoreFormat(lines[2].substring("cluster ".length()), version);
  }

  private static int number(String line) {
    return line.matches("format [0-9]{1,8}")
        ? Integer.parseInt(line.substring("format ".length()))
        : -1;
  }

  private static ApplianceException corrupt(Path file) {
    return new ApplianceException(
        FailureCode.CORRUPT, file + " is damaged: restore it from a backup of the store");
  }
}
