package io.mapfs.core.verify;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.importer.RootTests;
import io.mapfs.core.importer.SourceTree;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TreeFingerprintTest {
  @TempDir Path temporary;
  private Path root;
  private SourceTree tree;
  private FingerprintOptions options = FingerprintOptions.defaults();

  @BeforeEach
  void setUp() throws Exception {
    RootTests.requireRoot();
    root = Files.createDirectory(temporary.resolve("tree"));
    tree = new SourceTree(root);
  }

  private byte[] fingerprint(Path of) throws Exception {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    long count = TreeFingerprint.write(of.toString(), options, output);
    assertEquals(output.toString(US_ASCII).lines().count(), count);
    return output.toByteArray();
  }

  private static List<String> compare(byte[] before, byte[] after) throws IOException {
    List<String> differences = new ArrayList<>();
    long count =
        FingerprintComparison.compare(
            new ByteArrayInputStream(before),
            new ByteArrayInputStream(after),
            difference -> differences.add(difference.toString()));
    assertEquals(differences.size(), count);
    return differences;
  }

  @Test
  void tellsEveryProperty() throws Exception {
    tree.file("file", "hello")
        .xattr("file", "user.b", new byte[] {1, (byte) 0xff})
        .xattr("file", "user.a=", new byte[0])
        .link("file", "later \u00e9")
        .owner("file", 7, 4_000_000, 04750)
        .mtime("file", new FileTime(-3, 5))
        .symlink("to here", "link")
        .mtime("link", FileTime.EPOCH)
        .mtime("", new FileTime(9, 0))
        .owner("", 0, 0, 0755);
    String sha = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    String file =
        " type=f mode=4750 uid=7 gid=4000000 mtime=-3.000000005 nlink=2 size=5 first=file sha256="
            + sha
            + " xattr.user.a\\x3d= xattr.user.b=01ff\n";
    assertEquals(
        ". type=d mode=0755 uid=0 gid=0 mtime=9.000000000\n"
            + "file"
            + file
            + "later\\x20\\xe9"
            + file
            + "link type=l mode=0777 uid=0 gid=0 mtime=0.000000000 nlink=1 target=to\\x20here\n",
        new String(fingerprint(root), US_ASCII));
  }

  @Test
  void findsACopyTheSame() throws Exception {
    tree.fill();
    byte[] before = fingerprint(root);
    Path copy = temporary.resolve("copy");
    Process cp = new ProcessBuilder("cp", "-a", root.toString(), copy.toString()).start();
    assertEquals(0, cp.waitFor());
    assertEquals(List.of(), compare(before, fingerprint(copy)));
    assertEquals(List.of(), compare(before, fingerprint(root)));
  }

  @Test
  void listsWhatDiffers() throws Exception {
    tree.fill();
    FileTime kept = new FileTime(1, 1);
    tree.mtime("etc", kept).mtime("shared", kept).mtime("", kept);
    byte[] before = fingerprint(root);
    tree.unlink("etc/empty")
        .file("etc/new", "")
        .unlink("shared/hostname2")
        .file("shared/hostname2", "node\n")
        .owner("shared/hostname2", 0, 0, 0644)
        .mtime("shared/hostname2", new FileTime(1_234_567_890, 987_654_321))
        .xattr("tmp/fifo", "trusted.note", new byte[] {'g'})
        .mtime("etc", kept)
        .mtime("shared", kept)
        .mtime("", kept);
    List<String> differences = compare(before, fingerprint(root));
    assertEquals("removed  etc/empty", differences.get(0));
    assertEquals(
        "changed  etc/hostname: nlink 2 -> 1, first etc/hostname -> none", differences.get(1));
    assertEquals("added    etc/new", differences.get(2));
    assertTrue(differences.get(3).startsWith("changed  shared/hostname2: mode"));
    assertTrue(differences.get(3).contains("xattr.user.empty  -> none"), differences.get(3));
    assertEquals("changed  tmp/fifo: xattr.trusted.note 66 -> 67", differences.get(4));
    assertEquals(5, differences.size());
  }

  @Test
  void tellsDirectorySizesOnlyWhenAsked() throws Exception {
    tree.directory("d", 0755);
    assertFalse(new String(fingerprint(root), US_ASCII).contains("nlink"));
    options = options.withDirectorySizes(true);
    assertTrue(new String(fingerprint(root), US_ASCII).contains("nlink=2 size="));
    options = options.withExcludes(List.of("d"));
    assertEquals(1, new String(fingerprint(root), US_ASCII).lines().count());
  }

  @Test
  void ordersPathsAsTheWalkDoes() throws Exception {
    for (String path : List.of("a", "a b", "a-b", "a.c", "aa", "b", "\u00ff")) {
      tree.directory(path, 0755).file(path + "/x", "").file(path + "/\u0001", "");
    }
    byte[] print = fingerprint(root);
    assertEquals(List.of(), compare(print, print));
    assertEquals(22, compare(new byte[0], print).size());
  }

  @Test
  void comparesPathsByComponent() {
    Random random = new Random(1);
    List<String> paths = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      StringBuilder path = new StringBuilder();
      for (int j = 0; j <= random.nextInt(3); j++) {
        path.append(j > 0 ? "/" : "").append("ab-\u00ff".charAt(random.nextInt(4)));
        path.append("ab-\u00ff".substring(random.nextInt(5)));
      }
      paths.add(path.toString());
    }
    List<String> sorted = new ArrayList<>(paths);
    sorted.sort(FingerprintEntry::comparePaths);
    for (int i = 1; i < sorted.size(); i++) {
      String[] a = sorted.get(i - 1).split("/");
      String[] b = sorted.get(i).split("/");
      assertTrue(java.util.Arrays.compare(a, b) <= 0, sorted.get(i - 1) + " " + sorted.get(i));
    }
  }

  @Test
  void refusesWhatIsNoFingerprint() {
    byte[] good = "a type=f\n".getBytes(US_ASCII);
    for (String bad : List.of("a type", "a\\x4 type=f", "b type=f\na type=f", "a x=1\na x=1")) {
      assertThrows(IOException.class, () -> compare(bad.getBytes(US_ASCII), good), bad);
    }
  }

  @Test
  void saysWhatCannotBeRead() {
    IOException e =
        assertThrows(IOException.class, () -> fingerprint(temporary.resolve("nothing")));
    assertTrue(e.getMessage().contains("nothing"), e.getMessage());
  }
}
