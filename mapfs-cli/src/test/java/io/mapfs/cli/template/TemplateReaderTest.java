package io.mapfs.cli.template;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.cli.base.CommandFailure;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TemplateReaderTest {
  @TempDir private Path directory;

  @Test
  void readsTheTemplateThatIsShipped() throws Exception {
    Template debian = TemplateReader.read(Path.of("..", "templates", "debian.yaml"));
    assertEquals("debian", debian.name());
    assertEquals("debian", debian.master());
    assertEquals("latest", debian.version());
    assertEquals(20L << 30, debian.quotaBytes());
    assertEquals(4L << 30, debian.cacheBytes());
  }

  @Test
  void saysNothingOfWhatIsAbsent() throws Exception {
    assertEquals(new Template("t", null, null, null, null, null, false), read("format: 1\n"));
  }

  @Test
  void refusesAnUnknownKeyWithItsPlaceAndTheNearest() {
    assertRefused(
        "format: 1\nstorage:\n  overlay:\n    qouta: 1GiB\n",
        ":4:5: unknown key 'qouta' in overlay; did you mean 'quota'? (known: quota, encrypt)");
  }

  @Test
  void refusesAValueOfTheWrongKind() {
    assertRefused(
        "format: 1\nstorage:\n  cache:\n    size: many\n",
        ":4:11: 'many' is no size; write a number and a unit, such as 512MiB or 20GiB");
    assertRefused(
        "format: 1\nsoftware: debian\n",
        ":2:11: software must be keys and values, one of: master, version");
    assertRefused(
        "format: 1\nsoftware:\n  master: [a, b]\n", ":3:11: a single value must stand here");
    assertRefused("- a\n", ":1:1: the template must be keys and values");
  }

  @Test
  void anOverlayIsEncryptedIfItSaysSo() throws Exception {
    assertTrue(read("format: 1\nstorage:\n  overlay:\n    encrypt: true\n").encrypt());
    assertFalse(read("format: 1\nstorage:\n  overlay:\n    encrypt: false\n").encrypt());
    assertRefused(
        "format: 1\nstorage:\n  overlay:\n    encrypt: yes\n",
        ":4:14: 'yes' is neither true nor false");
  }

  @Test
  void refusesAKeyTwice() {
    assertRefused("format: 1\ndescription: a\ndescription: b\n", ":3:1: ");
  }

  @Test
  void refusesOtherFormats() {
    assertRefused(
        "format: 2\n", ":1:9: format 2 is not known to this release, which reads format 1");
    assertRefused("description: x\n", ":1:1: no 'format'");
    assertRefused("", ": empty");
  }

  @Test
  void refusesBrokenYamlWithItsPlace() {
    assertRefused("format: 1\nsoftware: {master: a\n", ":3:1: ");
    assertRefused("format: 1\n\tx: 1\n", ":2:1: ");
  }

  @Test
  void refusesAliasesAndLargeFiles() {
    assertRefused("format: 1\nsoftware: &a {master: *a}\n", ":");
    assertRefused("#".repeat(100_000), ": larger than a template may be");
  }

  @Test
  void namesTheNearestTemplate() throws IOException {
    Files.writeString(directory.resolve("debian.yaml"), "format: 1\n");
    CommandFailure refused =
        assertThrows(
            CommandFailure.class, () -> TemplateLibrary.of(directory.toString()).find("debain"));
    assertEquals(FailureCode.NOT_FOUND, refused.code());
    assertEquals(
        "no template 'debain' in " + directory + "; did you mean 'debian'?", refused.getMessage());
  }

  private Template read(String text) throws Exception {
    return TemplateReader.read(Files.writeString(directory.resolve("t.yaml"), text));
  }

  private void assertRefused(String text, String message) {
    CommandFailure refused = assertThrows(CommandFailure.class, () -> read(text));
    assertEquals(FailureCode.INVALID, refused.code());
    String expected = directory.resolve("t.yaml") + message;
    assertTrue(refused.getMessage().startsWith(expected), refused.getMessage());
  }
}
