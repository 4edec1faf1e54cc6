package io.mapfs.core.importer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.tree.TreeIndex;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.compress.compressors.CompressorStreamFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tars of GNU tar against the directory that they were made of, and tars that are malformed. */
final class TarImportTest {
  @TempDir Path temporary;
  private Path work;
  private ImportOptions options;

  @BeforeEach
  void setUp() throws Exception {
    work = Files.createDirectory(temporary.resolve("work"));
    options = ImportOptions.defaults().withTemporaryDirectory(work);
  }

  private MemoryImportTarget target(String name) throws Exception {
    return new MemoryImportTarget(Files.createDirectory(temporary.resolve(name)));
  }

  private static byte[] gnuTar(Path root, String... arguments) throws Exception {
    List<String> command = new java.util.ArrayList<>(List.of("tar", "-C", root.toString()));
    command.addAll(List.of(arguments));
    command.addAll(List.of("-c", "."));
    Process tar =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    byte[] bytes = tar.getInputStream().readAllBytes();
    assertEquals(0, tar.waitFor());
    return bytes;
  }

  private TreeIndex importTar(byte[] tar) throws Exception {
    return importTar(tar, target("target" + System.nanoTime()));
  }

  private TreeIndex importTar(byte[] tar, MemoryImportTarget target) throws Exception {
    ImportResult result =
        Importer.run(
            ImportSource.tar(new ByteArrayInputStream(tar), "x.tar"),
            target,
            options,
            ImportProgress.NONE);
    return target.tree(result.version());
  }

  private String failure(byte[] tar) {
    return assertThrows(ImportException.class, () -> importTar(tar)).getMessage();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--format=pax",
        "--format=pax --sparse",
        "--format=pax --sparse --sparse-version=0.0",
        "--format=pax --sparse --sparse-version=0.1",
        "--format=gnu",
        "--format=gnu --sparse",
        "--format=ustar"
      })
  void readsWhatGnuTarWrites(String flags) throws Exception {
    RootTests.requireRoot();
    boolean pax = flags.contains("pax");
    boolean ustar = flags.contains("ustar");
    Path root = Files.createDirectory(temporary.resolve("source"));
    SourceTree source = new SourceTree(root).fill();
    source.unlink("tmp/socket").unlink("etc/hole").truncate("etc/hole", 10_000_000);
    for (int i = 0; i < 60; i++) {
      source.fileAt("etc/sparse", 10_000_000 + 400_000L * i, SourceTree.random(70, i));
    }
    String deep = "d".repeat(90);
    source.directory(deep, 0755).directory(deep + "/" + deep, 0700);
    source.file(deep + "/" + deep + "/" + (ustar ? "f" : deep), "deep");
    if (ustar) {
      source.unlink("tmp/" + "\u00fe".repeat(255)).mtime("etc/link", new FileTime(10, 0));
    } else {
      source.link(deep + "/" + deep + "/" + deep, "far");
      source.symlink(deep + "/" + deep + "/" + deep, "farther");
      source.owner("etc/setuid", 3_000_000, 0x7fffffff, 06755);
    }
    String[] arguments = flags.split(" ");
    if (pax) {
      arguments = Arrays.copyOf(arguments, arguments.length + 3);
      arguments[arguments.length - 3] = "--xattrs";
      arguments[arguments.length - 2] = "--xattrs-include=*";
      arguments[arguments.length - 1] = "--acls";
    }
    byte[] tar = gnuTar(root, arguments);
    MemoryImportTarget fromTar = target("tar");
    TreeIndex tree = importTar(tar, fromTar);
    MemoryImportTarget fromDirectory = target("directory");
    Importer.run(ImportSource.of(root.toString()), fromDirectory, options, ImportProgress.NONE);
    TreeIndex expectedTree = fromDirectory.tree(1);
    ImportedTree imported = new ImportedTree(tree);
    ImportedTree expected = new ImportedTree(expectedTree);
    assertEquals(expected.inos(), imported.inos());
    for (String path : expected.inos().keySet()) {
      Attributes wanted = expected.attributes(path);
      Attributes got = imported.attributes(path);
      assertEquals(wanted.mode(), got.mode(), path);
      assertEquals(wanted.uid(), got.uid(), path);
      assertEquals(wanted.gid(), got.gid(), path);
      assertEquals(wanted.nlink(), got.nlink(), path);
      assertEquals(wanted.rdev() & 0x7fffffff, got.rdev() & 0x7fffffff, path);
      assertEquals(wanted.sizeBytes(), got.sizeBytes(), path);
      assertEquals(wanted.mtime().seconds(), got.mtime().seconds(), path);
      int slot = imported.slot(path);
      int wantedSlot = expected.slot(path);
      if (got.type() == FileType.SYMLINK) {
        assertArrayEquals(expectedTree.symlinkTarget(wantedSlot), tree.symlinkTarget(slot));
      }
      assertEquals(expectedTree.blockCount(wantedSlot), tree.blockCount(slot));
      for (int i = 0; i < tree.blockCount(slot); i++) {
        assertEquals(expectedTree.block(wantedSlot, i), tree.block(slot, i), path + " " + i);
      }
      if (pax) {
        assertEquals(wanted.mtime(), got.mtime(), path);
        assertEquals(expectedTree.xattrs(wantedSlot).keySet(), tree.xattrs(slot).keySet(), path);
        tree.xattrs(slot)
            .forEach(
                (name, value) ->
                    assertArrayEquals(expectedTree.xattr(wantedSlot, name), value, path));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gz", "zstd", "xz", "bzip2"})
  void readsCompressedTars(String kind) throws Exception {
    byte[] tar = new TarMaker().file("a", "hello").file("b", SourceTree.random(400_000, 1)).end();
    byte[] compressed = compress(kind, tar);
    TreeIndex tree = importTar(compressed);
    assertEquals(400_000, new ImportedTree(tree).attributes("b").sizeBytes());
    String cut = failure(Arrays.copyOf(compressed, compressed.length - 1000));
    assertTrue(cut.startsWith("x.tar: "), cut);
  }

  private static byte[] compress(String kind, byte[] bytes) throws Exception {
    ByteArrayOutputStream target = new ByteArrayOutputStream();
    try (OutputStream out =
        new CompressorStreamFactory().createCompressorOutputStream(kind, target)) {
      out.write(bytes);
    }
    return target.toByteArray();
  }

  @Test
  void takesEntriesInAnyOrderAndMakesMissingParents() throws Exception {
    byte[] tar =
        new TarMaker()
            .hardLink("z/link2", "z/link1")
            .hardLink("z/link1", "./a/b/c")
            .file("a/b/c", "content")
            .entry('5', "a/", "", 0700, "")
            .entry('5', "./", "", 0711, "")
            .end();
    ImportedTree tree = new ImportedTree(importTar(tar));
    assertEquals(tree.ino("a/b/c"), tree.ino("z/link1"));
    assertEquals(tree.ino("a/b/c"), tree.ino("z/link2"));
    assertEquals(3, tree.attributes("a/b/c").nlink());
    assertEquals(0700, tree.attributes("a").permissions());
    assertEquals(0755, tree.attributes("a/b").permissions());
    assertEquals(0755, tree.attributes("z").permissions());
    assertEquals(0711, tree.attributes("").permissions());
  }

  @Test
  void theLastOfSeveralEntriesCounts() throws Exception {
    MemoryImportTarget target = target("target");
    byte[] tar =
        new TarMaker()
            .file("a", "one")
            .hardLink("b", "a")
            .file("a", "second")
            .entry('2', "c", "x", 0777, "")
            .file("c", "now a file")
            .end();
    ImportedTree tree = new ImportedTree(importTar(tar, target));
    assertEquals(6, tree.attributes("a").sizeBytes());
    assertEquals(3, tree.attributes("b").sizeBytes());
    assertEquals(1, tree.attributes("b").nlink());
    assertEquals("now a file", new String(target.content(tree.slot("c")), ISO_8859_1));
  }

  @Test
  void keepsXattrsAsTheyAreUsuallyWritten() throws Exception {
    byte[] tar =
        new TarMaker()
            .pax("SCHILY.xattr.user.a%3Db%25c", "1")
            .pax("SCHILY.xattr.user.binary", "\0\u00ff\n=x")
            .pax("SCHILY.xattr.user.empty", "")
            .pax("LIBARCHIVE.xattr.user.base%2064", "aGVsbG8")
            .pax("RHT.security.selinux", "label")
            .pax("SCHILY.acl.access", "user::rwx,user:joe:r--:1001,group::r-x,mask::r-x,other::---")
            .pax(
                "SCHILY.acl.default", "user::rwx\nuser:1001:r--\ngroup::r-x\nmask::r-x\nother::---")
            .pax("mtime", "-1.25")
            .pax("LIBARCHIVE.creationtime", "77.000000001")
            .file("a", "x")
            .pax("SCHILY.acl.access", "user::rwx,group::r-x,other::---")
            .file("plain", "x")
            .end();
    ImportedTree tree = new ImportedTree(importTar(tar));
    assertArrayEquals(new byte[] {'1'}, tree.xattr("a", "user.a=b%c"));
    assertArrayEquals(new byte[] {0, (byte) 0xff, '\n', '=', 'x'}, tree.xattr("a", "user.binary"));
    assertArrayEquals(new byte[0], tree.xattr("a", "user.empty"));
    assertArrayEquals("hello".getBytes(ISO_8859_1), tree.xattr("a", "user.base 64"));
    assertArrayEquals("label".getBytes(ISO_8859_1), tree.xattr("a", "security.selinux"));
    assertArrayEquals(SourceTree.acl(), tree.xattr("a", "system.posix_acl_access"));
    assertArrayEquals(SourceTree.acl(), tree.xattr("a", "system.posix_acl_default"));
    assertEquals(new FileTime(-2, 750_000_000), tree.attributes("a").mtime());
    assertEquals(new FileTime(77, 1), tree.attributes("a").btime());
    assertFalse(importedHasXattrs(tree, "plain"));
  }

  private static boolean importedHasXattrs(ImportedTree tree, String path) {
    return tree.xattr(path, "system.posix_acl_access") != null;
  }

  @Test
  void readsLargeAndNegativeNumbers() throws Exception {
    TarMaker maker = new TarMaker().file("a", "");
    byte[] tar = maker.end();
    // mtime -2 and uid 2^31 in base 256.
    Arrays.fill(tar, 136, 148, (byte) 0xff);
    tar[147] = (byte) 0xfe;
    tar[108] = (byte) 0x80;
    Arrays.fill(tar, 109, 116, (byte) 0);
    tar[112] = (byte) 0x80;
    TarMaker.putChecksum(tar, 0);
    Attributes attributes = new ImportedTree(importTar(tar)).attributes("a");
    assertEquals(new FileTime(-2, 0), attributes.mtime());
    assertEquals(0x80000000, attributes.uid());
    Arrays.fill(tar, 125, 136, (byte) 0xff);
    tar[124] = (byte) 0x80;
    TarMaker.putChecksum(tar, 0);
    assertTrue(failure(tar).contains("too large"));
  }

  @Test
  void refusesPathsThatLeadOut() throws Exception {
    for (String path : List.of("/etc/passwd", "../x", "a/../../x", "a/..")) {
      assertTrue(failure(new TarMaker().file(path, "x").end()).contains("path " + path), path);
    }
    assertTrue(failure(new TarMaker().file("a", "x").hardLink("b", "../a").end()).contains("../a"));
    assertTrue(
        failure(new TarMaker().entry('2', "a", "/etc", 0777, "").file("a/x", "x").end())
            .contains("a is not a directory"));
    assertTrue(
        failure(new TarMaker().pax("path", "a\0b").file("x", "x").end()).contains("malformed"));
    assertTrue(
        failure(new TarMaker().pax("path", "n".repeat(256)).file("x", "x").end()).contains("255"));
    assertTrue(
        failure(new TarMaker().file("d/x", "").file("d", "x").end()).contains("as a directory"));
    assertTrue(
        failure(new TarMaker().hardLink("b", "nothing").end()).contains("hard link to nothing"));
  }

  @Test
  void refusesWhatIsNoTar() throws Exception {
    assertTrue(failure(new byte[0]).contains("cut off"));
    assertTrue(failure(new byte[1024]).contains("no entries"));
    assertTrue(failure(SourceTree.random(10_000, 3)).contains("not a tar"));
    assertTrue(failure("hello".getBytes(ISO_8859_1)).contains("cut off"));
    assertTrue(failure(new TarMaker().entry('M', "a", "", 0, "").end()).contains("volumes"));
    assertTrue(failure(new TarMaker().entry('?', "a", "", 0, "").end()).contains("'?'"));
  }

  @Test
  void refusesATarThatIsCutOffAnywhere() throws Exception {
    byte[] tar = new TarMaker().pax("comment", "x").file("a", SourceTree.random(2000, 1)).end();
    for (int length = 0; length <= tar.length - 1024; length += 77) {
      String message = failure(Arrays.copyOf(tar, length));
      assertTrue(message.contains("cut off") && message.startsWith("x.tar: "), message);
    }
  }

  @Test
  void refusesDamagedHeaders() throws Exception {
    byte[] tar = new TarMaker().pax("path", "abc").file("a", "hello").end();
    for (int at = 0; at < 345; at++) {
      if (at == 155) {
        // Behind the checksum's end: means nothing.
        continue;
      }
      byte[] damaged = tar.clone();
      damaged[at] ^= 0x41;
      failure(damaged);
    }
  }

  @Test
  void refusesMalformedExtendedHeaders() throws Exception {
    for (String records :
        List.of("x", "5 a=b", "99 a=b\n", "3 a\n", "0 a=b\n", "6 a=bb\n", "7 =b\n1")) {
      byte[] tar = new TarMaker().entry('x', "x", "", 0, records).file("a", "").end();
      assertTrue(failure(tar).contains("PAX record"), records);
    }
    assertTrue(failure(new TarMaker().pax("mtime", "x").file("a", "").end()).contains("mtime"));
    assertTrue(failure(new TarMaker().pax("size", "-5").file("a", "").end()).contains("-5"));
    assertTrue(
        failure(new TarMaker().pax("SCHILY.acl.access", "user::rwz").file("a", "").end())
            .contains("rwz"));
    for (String map : List.of("0,5,3,2", "0", "0,9", "0,-1", "8,5")) {
      byte[] tar =
          new TarMaker()
              .pax("GNU.sparse.map", map)
              .pax("GNU.sparse.size", "10")
              .file("a", "12345")
              .end();
      assertTrue(failure(tar).contains("sparse"), map);
    }
  }

  @Test
  void readsATarFileAndLeavesOutWhatIsExcluded() throws Exception {
    Path file = temporary.resolve("rootfs.tar");
    Files.write(file, new TarMaker().file("proc/1", "x").file("a/b", "x").file("a/c", "x").end());
    MemoryImportTarget target = target("target");
    Importer.run(
        ImportSource.of(file.toString()),
        target,
        options.withExcludes(List.of("proc", "a/b")),
        ImportProgress.NONE);
    assertEquals(
        List.of("a", "a/c"), List.copyOf(new ImportedTree(target.tree(1)).inos().keySet()));
  }
}
