package io.mapfs.server.store;

import io.mapfs.core.text.Sizes;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Keeps some of the disk free for control records and for the database's own housekeeping, so that
 * a store that is full can still be read, mounted, rolled back and cleaned.
 */
public final class SpaceReserve {
  private static final long MOST_BYTES = 64L << 20;

  private final Path directory;
  private final FileStore disk;
  private final long reservedBytes;

  SpaceReserve(Path directory) throws IOException {
    this.directory = directory;
    this.disk = Files.getFileStore(directory);
    this.reservedBytes = Math.min(MOST_BYTES, disk.getTotalSpace() / 8);
  }

  /** Bytes that clients may still fill. */
  public long freeBytes() throws IOException {
    return Math.max(0, disk.getUsableSpace() - reservedBytes);
  }

  /**
   * Refuses what does not fit.
   *
   * @throws ApplianceException NO_SPACE
   */
  public void require(long bytes) throws ApplianceException {
    long free;
    try {
      free = freeBytes();
    } catch (IOException e) {
      throw Failures.of("cannot tell the free space of " + directory, e);
    }
    if (free < bytes) {
      throw new ApplianceException(
          FailureCode.NO_SPACE,
          "the appliance's disk at "
              + directory
              + " is full ("
              + Sizes.format(free)
              + " left): free some space there and try again");
    }
  }
}
