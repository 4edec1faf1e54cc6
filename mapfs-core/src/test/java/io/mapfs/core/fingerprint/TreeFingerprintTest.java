package io.mapfs.core.fingerprint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fingerprint.FingerprintDifference.Kind;
import io.mapfs.core.importer.RootTests;
import io.mapfs.core.importer.SourceTree;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TreeFingerprintTest {
  private static final FileTime THEN = FileTime.fromMillis(1_700_000_000_123L);

  @TempDir private Path directory;
  private Path tree;

  @BeforeEach
  void makeTree() throws IOException {
    tree = Files.createDirectory(directory.resolve("tree"));
    Files.createDirectory(tree.resolve("etc"));
    Files.writeString(tree.resolve("etc/motd"), "hello\n");
    Files.createLink(tree.resolve("etc/motd.link"), tree.resolve("etc/motd"));
    Files.createDirectory(tree.resolve("etc.d"));
    Files.createSymbolicLink(tree.resolve("a b"), Path.of("etc/../nowhere"));
    for (Path path :
        List.of(tree.resolve("etc/motd"), tree.resolve("etc"), tree.resolve("etc.d"))) {
      Files.setLastModifiedTime(path, THEN);
    }
  }

  @Test
  void saysAllThatAProgramCanSee() throws Exception {
    List<FingerprintLine> lines = lines();
    assertEquals(
        List.of("/", "/a\\x20b", "/etc", "/etc/motd", "/etc/motd.link", "/etc.d"),
        lines.stream().map(FingerprintLine::path).toList());
    var motd = lines.get(3).fieldMap();
    assertEquals("regular", motd.get("type"));
    assertEquals("1700000000.123000000", motd.get("mtime"));
    assertEquals("6", motd.get("size"));
    assertEquals("2", motd.get("nlink"));
    assertEquals(
        "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", motd.get("sha256"));
    assertEquals("/etc/motd", lines.get(4).fieldMap().get("same"));
    assertEquals("etc/../nowhere", lines.get(1).fieldMap().get("target"));
  }

  @Test
  void findsACopyOfEverythingTheSame() throws Exception {
    RootTests.requireRoot();
    new SourceTree(tree).directory("all", 0755);
    SourceTree all = new SourceTree(tree.resolve("all")).fill().unlink("etc/hole");
    List<FingerprintLine> before = lines();
    Path original = tree;
    tree = directory.resolve("copy");
    Process cp = new ProcessBuilder("cp", "-a", original.toString(), tree.toString()).start();
    assertEquals(0, cp.waitFor());
    assertEquals(before, lines());
    tree = original;
    all.xattr("tmp/fifo", "trusted.note", new byte[] {'g'}).unlink("shared/link2");
    List<String> differences = new ArrayList<>();
    FingerprintDifference.between(
        before.iterator(),
        lines().iterator(),
        difference -> differences.add(difference.path() + " " + difference.fields()));
    assertEquals(
        List.of(
            "/all/etc/link [nlink]",
            "/all/shared [mtime]",
            "/all/shared/link2 []",
            "/all/tmp/fifo [xattr:trusted.note]"),
        differences);
  }

  @Test
  void linesAreInOrder() throws Exception {
    List<FingerprintLine> lines = lines();
    List<FingerprintLine> sorted = new ArrayList<>(lines);
    Collections.shuffle(sorted, new java.util.Random(1));
    Collections.sort(sorted);
    assertEquals(lines, sorted);
  }

  @Test
  void tellsWhatDiffers() throws Exception {
    List<FingerprintLine> before = lines();
    Files.delete(tree.resolve("a b"));
    Files.writeString(tree.resolve("etc.d/new"), "");
    Files.setPosixFilePermissions(
        tree.resolve("etc/motd"), PosixFilePermissions.fromString("rwx------"));
    Files.setLastModifiedTime(tree.resolve("etc.d"), THEN);
    List<FingerprintDifference> differences = new ArrayList<>();
    FingerprintDifference.between(before.iterator(), lines().iterator(), differences::add);
    assertEquals(
        List.of(
            new FingerprintDifference("/", Kind.CHANGED, List.of("mtime")),
            new FingerprintDifference("/a\\x20b", Kind.REMOVED, List.of()),
            new FingerprintDifference("/etc/motd", Kind.CHANGED, List.of("mode")),
            new FingerprintDifference("/etc/motd.link", Kind.CHANGED, List.of("mode")),
            new FingerprintDifference("/etc.d/new", Kind.ADDED, List.of())),
        differences);
  }

  @Test
  void aFileReadsAsWritten() throws Exception {
    Path file = write();
    List<FingerprintLine> read = new ArrayList<>();
    try (FingerprintFile.Reader reader = new FingerprintFile.Reader(file)) {
      reader.forEachRemaining(read::add);
    }
    assertEquals(lines(), read);
  }

  @Test
  void refusesAFileThatIsCutOff() throws Exception {
    Path file = write();
    List<String> text = Files.readAllLines(file);
    for (int kept = 1; kept < text.size(); kept++) {
      Files.write(file, text.subList(0, kept));
      try (FingerprintFile.Reader reader = new FingerprintFile.Reader(file)) {
        UncheckedIOException refused =
            assertThrows(UncheckedIOException.class, () -> reader.forEachRemaining(line -> {}));
        assertTrue(refused.getMessage().contains("cut off"), refused.getMessage());
      }
    }
  }

  @Test
  void namesWhatIsMissing() {
    IOException refused =
        assertThrows(
            IOException.class,
            () -> TreeFingerprint.of(directory.resolve("none"), false, 1, line -> {}));
    assertTrue(refused.getMessage().contains("none"), refused.getMessage());
  }

  private Path write() throws Exception {
    Path file = directory.resolve("fingerprint");
    try (PrintWriter out =
            new PrintWriter(Files.newBufferedWriter(file, StandardCharsets.US_ASCII));
        FingerprintFile.Writer writer = new FingerprintFile.Writer(out)) {
      lines().forEach(writer::add);
    }
    return file;
  }

  private List<FingerprintLine> lines() throws Exception {
    List<FingerprintLine> lines = new ArrayList<>();
    TreeFingerprint.of(tree, false, 2, lines::add);
    return lines;
  }
}
