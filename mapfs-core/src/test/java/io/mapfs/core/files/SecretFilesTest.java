package io.mapfs.core.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SecretFilesTest {
  private static final byte[] OLD = "the old secret".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] NEW = "another".getBytes(StandardCharsets.US_ASCII);

  @TempDir Path directory;

  @Test
  void whatIsReplacedOrErasedIsWrittenOver() throws Exception {
    Path file = directory.resolve("key");
    SecretFiles.write(file, OLD);
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    // A second name keeps the file's bytes in sight.
    Path replaced = Files.createLink(directory.resolve("replaced"), file);
    SecretFiles.write(file, NEW);
    assertArrayEquals(NEW, Files.readAllBytes(file));
    assertArrayEquals(new byte[OLD.length], Files.readAllBytes(replaced));
    Path erased = Files.createLink(directory.resolve("erased"), file);
    SecretFiles.erase(file);
    assertFalse(Files.exists(file));
    assertArrayEquals(new byte[NEW.length], Files.readAllBytes(erased));
    SecretFiles.erase(file);
  }

  @Test
  void whatOthersMayReadOrIsTooLargeIsRefused() throws Exception {
    Path file = directory.resolve("key");
    SecretFiles.write(file, OLD);
    assertEquals("the old secret", SecretFiles.read(file, OLD.length, "key"));
    assertThrows(IOException.class, () -> SecretFiles.read(file, OLD.length - 1, "key"));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw----r--"));
    assertThrows(IOException.class, () -> SecretFiles.read(file, OLD.length, "key"));
  }
}
