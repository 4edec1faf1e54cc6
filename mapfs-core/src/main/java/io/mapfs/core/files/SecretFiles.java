package io.mapfs.core.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Files with secrets in them: of mode 0600, and written over before they go. What the disk itself
 * keeps of older content (a filesystem that copies on write, the spare blocks of flash) is out of
 * reach.
 */
public final class SecretFiles {
  private static final Set<PosixFilePermission> OTHERS =
      PosixFilePermissions.fromString("---rwxrwx");

  private SecretFiles() {}

  /**
   * The file's text.
   *
   * @param what what it is to be, for messages
   * @throws IOException with one line for people if others may read it, or if it is too large
   */
  public static String read(Path file, int maxBytes, String what) throws IOException {
    if (Files.getPosixFilePermissions(file).stream().anyMatch(OTHERS::contains)) {
      throw new IOException(file + " is open to others, and has a secret in it: chmod 600 " + file);
    }
    if (Files.size(file) > maxBytes) {
      throw new IOException(file + " is no " + what + ": it is too large");
    }
    return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
  }

  /** Makes a file, or replaces one, whose old content is written over; durable on return. */
  public static void write(Path file, byte[] content) throws IOException {
    if (!Files.exists(file)) {
      DurableFiles.write(file, content);
      return;
    }
    // Open before it loses its name: there is no other way to its bytes after.
    try (FileChannel old = FileChannel.open(file, StandardOpenOption.WRITE)) {
      DurableFiles.write(file, content);
      overwrite(old);
    }
  }

  /** Writes zeros over a file and deletes it, durable on return; nothing if there is none. */
  public static void erase(Path file) throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      overwrite(channel);
    }
    Files.delete(file);
    DurableFiles.syncDirectory(file.getParent());
  }

  private static void overwrite(FileChannel channel) throws IOException {
    ByteBuffer zeros = ByteBuffer.allocate((int) channel.size());
    while (zeros.hasRemaining()) {
      channel.write(zeros, zeros.position());
    }
    channel.force(true);
  }
}
