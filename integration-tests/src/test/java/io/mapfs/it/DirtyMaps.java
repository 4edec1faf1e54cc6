package io.mapfs.it;

import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A program that changes every page of a shared map, twice around, and leaves the writing to the
 * kernel.
 *
 * <pre>
 *  arguments: FILE MEBIBYTES
 *  each page begins, in the end, with twice its offset, big-endian
 * </pre>
 */
final class DirtyMaps {
  static final int ROUNDS = 2;
  static final int PAGE_BYTES = 4096;

  private DirtyMaps() {}

  public static void main(String[] arguments) throws IOException {
    long bytes = Long.parseLong(arguments[1]) << 20;
    try (FileChannel file =
        FileChannel.open(
            Path.of(arguments[0]),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      MappedByteBuffer map = file.map(FileChannel.MapMode.READ_WRITE, 0, bytes);
      for (int round = 1; round <= ROUNDS; round++) {
        for (long at = 0; at < bytes; at += PAGE_BYTES) {
          map.putLong((int) at, at * round);
        }
      }
    }
  }
}
