package io.mapfs.core.importer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.Posix;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TreeIndex;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DirectoryImportTest {
  @TempDir Path temporary;
  private Path root;
  private Path work;
  private SourceTree source;
  private MemoryImportTarget target;
  private ImportOptions options;

  @BeforeEach
  void setUp() throws Exception {
    RootTests.requireRoot();
    root = Files.createDirectory(temporary.resolve("source"));
    work = Files.createDirectory(temporary.resolve("work"));
    source = new SourceTree(root);
    target = new MemoryImportTarget(Files.createDirectory(temporary.resolve("target")));
    options = ImportOptions.defaults().withTemporaryDirectory(work);
  }

  private ImportResult run() throws Exception {
    return Importer.run(ImportSource.of(root.toString()), target, options, ImportProgress.NONE);
  }

  private String failure() {
    return assertThrows(ImportException.class, this::run).getMessage();
  }

  @Test
  void keepsEverythingThatARootFileSystemHolds() throws Exception {
    source.fill();
    ImportResult result = run();
    assertEquals(List.of(), result.notices());
    TreeIndex tree = target.tree(1);
    ImportedTree imported = new ImportedTree(tree);
    for (String path : imported.inos().keySet()) {
      FileStatus expected = Posix.status(Posix.AT_FDCWD, source.path(path));
      Attributes actual = imported.attributes(path);
      assertEquals(expected.mode(), actual.mode(), path);
      assertEquals(expected.uid(), actual.uid(), path);
      assertEquals(expected.gid(), actual.gid(), path);
      assertEquals(expected.mtime(), actual.mtime(), path);
      assertEquals(expected.rdev(), actual.rdev(), path);
      assertEquals(expected.nlink(), actual.nlink(), path);
      if (actual.type() != FileType.DIRECTORY) {
        assertEquals(expected.sizeBytes(), actual.sizeBytes(), path);
      }
      if (actual.type() == FileType.REGULAR && actual.sizeBytes() < 1 << 24) {
        assertArrayEquals(
            Files.readAllBytes(Path.of("/proc/self/cwd").resolve(pathOf(path))),
            target.content(imported.slot(path)),
            path);
      }
    }
    assertEquals(19, imported.inos().size());
    assertEquals(imported.ino("etc/hostname"), imported.ino("shared/hostname2"));
    assertEquals(imported.ino("etc/link"), imported.ino("shared/link2"));
    assertArrayEquals(
        "../elsewhere/\u00ff".getBytes(ISO_8859_1), tree.symlinkTarget(imported.slot("etc/link")));
    assertArrayEquals(SourceTree.capability(), imported.xattr("etc/setuid", "security.capability"));
    assertArrayEquals(new byte[] {0, 1, (byte) 0xff}, imported.xattr("etc/hostname", "user.note"));
    assertArrayEquals(new byte[0], imported.xattr("etc/hostname", "user.empty"));
    assertArrayEquals(SourceTree.acl(), imported.xattr("etc/hostname", "system.posix_acl_access"));
    assertArrayEquals(SourceTree.acl(), imported.xattr("shared", "system.posix_acl_default"));
    assertArrayEquals("t".getBytes(ISO_8859_1), imported.xattr("etc/link", "trusted.note"));
    assertArrayEquals("f".getBytes(ISO_8859_1), imported.xattr("tmp/fifo", "trusted.note"));
    assertEquals(3, imported.attributes("etc/big").sizeBytes() / 100_000);
    int zeros = imported.slot("etc/zeros");
    assertNull(tree.block(zeros, 0));
    assertNull(tree.block(zeros, 1));
    int sparse = imported.slot("etc/sparse");
    for (int i = 0; i < tree.blockCount(sparse); i++) {
      assertEquals(i == 5_000_000 / BlockId.BLOCK_BYTES, tree.block(sparse, i) != null);
    }
    assertEquals(8192, tree.blockCount(imported.slot("etc/hole")));
    ImportStatistics statistics = result.statistics();
    assertEquals(19, statistics.entries());
    assertEquals(18, statistics.inodes());
    assertEquals(19, statistics.nextIno());
    assertEquals(target.storedBlocks(), statistics.newBlocks());
    assertTrue(statistics.newStoredBytes() <= statistics.newRawBytes() + 1000);
    assertLeftNothing();
  }

  /** Reaches a path that is not UTF-8 with java.nio: by a symlink of a plain name. */
  private Path pathOf(String path) throws Exception {
    byte[] link = (work + "/alias").getBytes(ISO_8859_1);
    Files.deleteIfExists(work.resolve("alias"));
    Posix.makeSymlink(source.path(path), Posix.AT_FDCWD, link);
    return work.resolve("alias").toAbsolutePath();
  }

  private void assertLeftNothing() throws Exception {
    Files.deleteIfExists(work.resolve("alias"));
    try (var left = Files.list(work)) {
      assertEquals(List.of(), left.toList());
    }
  }

  @Test
  void storesOnlyWhatChanged() throws Exception {
    for (int i = 0; i < 40; i++) {
      source.file("file" + i, SourceTree.random(200_000, i));
    }
    run();
    long before = target.storedBlocks();
    assertEquals(80, before);
    source.fileAt("file7", 150_000, new byte[] {1, 2, 3});
    source.file("copy", SourceTree.random(200_000, 9));
    ImportResult second = run();
    assertEquals(2, second.version());
    assertEquals(1, second.statistics().newBlocks());
    assertEquals(200_000 - BlockId.BLOCK_BYTES, second.statistics().newRawBytes());
    assertEquals(before + 1, target.storedBlocks());
  }

  @Test
  void importsEqualTreesToEqualFiles() throws Exception {
    source.fill();
    run();
    MemoryImportTarget other =
        new MemoryImportTarget(Files.createDirectory(temporary.resolve("other")));
    Importer.run(ImportSource.of(root.toString()), other, options, ImportProgress.NONE);
    assertArrayEquals(target.tree(1).rootHash(), other.tree(1).rootHash());
  }

  @Test
  void leavesOutWhatIsExcluded() throws Exception {
    source
        .directory("proc", 0555)
        .directory("proc/1", 0555)
        .file("proc/1/status", "x")
        .directory("var", 0755)
        .directory("var/cache", 0755)
        .file("var/cache/x", "x")
        .file("var/cachet", "x");
    options = options.withExcludes(List.of("/proc/", "var/cache/x"));
    run();
    assertEquals(
        List.of("var", "var/cache", "var/cachet"),
        List.copyOf(new ImportedTree(target.tree(1)).inos().keySet()));
    options = options.withExcludes(List.of("../x"));
    assertTrue(failure().contains("../x"));
    options = options.withExcludes(List.of("/"));
    assertTrue(failure().contains("nothing would be left"));
  }

  @Test
  void staysOnOneFileSystem() throws Exception {
    source.directory("mnt", 0700).file("file", "x").file("bound", "");
    Posix.mount("none", source.path("mnt"), "tmpfs", 0, "size=1m");
    Posix.mount(root + "/file", source.path("bound"), "none", Posix.MS_BIND, "");
    try {
      source.file("mnt/inside", "y");
      ImportResult result = run();
      assertEquals(
          List.of("file", "mnt"), List.copyOf(new ImportedTree(target.tree(1)).inos().keySet()));
      assertEquals(
          List.of("bound", "mnt"), result.notices().stream().map(ImportNotice::path).toList());
      options = options.withCrossFileSystems(true);
      assertEquals(0, run().noticeCount());
      assertTrue(new ImportedTree(target.tree(2)).has("mnt/inside"));
    } finally {
      Posix.unmount(source.path("bound"), Posix.MNT_DETACH);
      Posix.unmount(source.path("mnt"), Posix.MNT_DETACH);
    }
  }

  @Test
  void walksDeeperThanDescriptorsAllow() throws Exception {
    Path at = root;
    for (int i = 0; i < 200; i++) {
      at = Files.createDirectory(at.resolve("d"));
      Files.writeString(at.resolve("a"), "a" + i);
      Files.createDirectory(at.resolve("c"));
      Files.writeString(at.resolve("e"), "e" + i);
    }
    long before = openDescriptors();
    ImportResult result = run();
    assertEquals(800, result.statistics().entries());
    assertEquals(before, openDescriptors());
  }

  private static long openDescriptors() throws Exception {
    try (var list = Files.list(Path.of("/proc/self/fd"))) {
      return list.count();
    }
  }

  @Test
  void readsAFileThatChangesAgain() throws Exception {
    source.file("a", SourceTree.random(20_000_000, 1)).file("b", "b");
    // What blocks the first answer also keeps the file's end from being looked at.
    ImportResult result =
        Importer.run(
            ImportSource.of(root.toString()),
            new Meddling(target, () -> source.file("a", SourceTree.random(20_100_000, 2)), 1),
            options,
            ImportProgress.NONE);
    assertEquals(0, result.noticeCount());
    ImportedTree imported = new ImportedTree(target.tree(1));
    assertArrayEquals(SourceTree.random(20_100_000, 2), target.content(imported.slot("a")));
    assertEquals(20_100_000, imported.attributes("a").sizeBytes());
  }

  @Test
  void reportsAFileThatGoesOnChanging() throws Exception {
    source.file("a", SourceTree.random(60_000_000, 1));
    int[] grown = {60_000_000};
    ImportResult result =
        Importer.run(
            ImportSource.of(root.toString()),
            new Meddling(
                target,
                () -> {
                  source.fileAt("a", grown[0], SourceTree.random(100_000, grown[0]));
                  grown[0] += 100_000;
                },
                Integer.MAX_VALUE),
            options,
            ImportProgress.NONE);
    assertEquals(1, result.noticeCount());
    assertEquals("a changed while it was read", result.notices().get(0).toString());
    assertEquals(1, target.versionCount());
  }

  @Test
  void publishesNothingWhenTheTargetFails() throws Exception {
    source.file("a", SourceTree.random(30_000_000, 1)).fill();
    long before = openDescriptors();
    ImportTarget failing =
        new Meddling(
            target,
            () -> {
              throw new ImportException("the disk is full");
            },
            1);
    ImportException e =
        assertThrows(
            ImportException.class,
            () ->
                Importer.run(
                    ImportSource.of(root.toString()), failing, options, ImportProgress.NONE));
    assertEquals("the disk is full", e.getMessage());
    assertEquals(0, target.versionCount());
    assertEquals(before, openDescriptors());
    assertLeftNothing();
    run();
    assertEquals(1, target.versionCount());
  }

  @Test
  void canBeCancelledAndRunAgain() throws Exception {
    source.file("a", SourceTree.random(60_000_000, 1));
    CountDownLatch started = new CountDownLatch(1);
    ImportTarget stuck =
        new Meddling(
            target,
            () -> {
              started.countDown();
              Thread.sleep(600_000);
            },
            2);
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread importing =
        new Thread(
            () -> {
              try {
                Importer.run(ImportSource.of(root.toString()), stuck, options, ImportProgress.NONE);
              } catch (Throwable t) {
                thrown.set(t);
              }
            });
    importing.start();
    started.await();
    importing.interrupt();
    importing.join();
    assertTrue(thrown.get() instanceof InterruptedException, String.valueOf(thrown.get()));
    assertEquals(0, target.versionCount());
    assertLeftNothing();
    int there = target.storedBlocks();
    ImportResult result = run();
    assertEquals(target.storedBlocks() - there, result.statistics().newBlocks());
  }

  @Test
  void tellsHowFarItIs() throws Exception {
    source.fill();
    long[] last = new long[3];
    Importer.run(
        ImportSource.of(root.toString()),
        target,
        options,
        (files, bytes, newBytes) -> {
          last[0] = files;
          last[1] = bytes;
          last[2] = newBytes;
        });
    assertEquals(18, last[0]);
    assertEquals(target.lastStatistics().contentBytes(), last[1]);
    assertEquals(target.lastStatistics().newRawBytes(), last[2]);
  }

  @Test
  void refusesSourcesThatAreNotThere() {
    ImportException missing =
        assertThrows(ImportException.class, () -> ImportSource.of(root + "/nothing"));
    assertEquals(
        "cannot import " + root + "/nothing: no such file or directory", missing.getMessage());
    ImportException device =
        assertThrows(ImportException.class, () -> ImportSource.of("/dev/null"));
    assertTrue(device.getMessage().contains("neither a directory nor a tar"));
  }

  @Test
  void importsAnEmptyDirectory() throws Exception {
    ImportResult result = run();
    assertEquals(0, result.statistics().entries());
    assertEquals(2, result.statistics().nextIno());
    assertEquals(new FileTime(0, 0).nanos(), 0);
    assertFalse(target.tree(1).hasXattrs(0));
  }

  /** Does something when it is asked for the first times which blocks are missing. */
  private static final class Meddling implements ImportTarget {
    private interface Act {
      void run() throws Exception;
    }

    private final ImportTarget target;
    private final Act act;
    private int times;

    Meddling(ImportTarget target, Act act, int times) {
      this.target = target;
      this.act = act;
      this.times = times;
    }

    @Override
    public String master() {
      return target.master();
    }

    @Override
    public int version() {
      return target.version();
    }

    @Override
    public Optional<RepositoryTree> previousTree() {
      return target.previousTree();
    }

    @Override
    public long nextIno() {
      return target.nextIno();
    }

    @Override
    public BitSet missing(List<BlockId> ids) throws ImportException, InterruptedException {
      if (times-- > 0) {
        try {
          act.run();
        } catch (ImportException | InterruptedException e) {
          throw e;
        } catch (Exception e) {
          throw new IllegalStateException(e);
        }
      }
      return target.missing(ids);
    }

    @Override
    public void put(List<StoredBlock> blocks) throws ImportException, InterruptedException {
      target.put(blocks);
    }

    @Override
    public int commit(Path treeFile, ImportStatistics statistics)
        throws ImportException, InterruptedException {
      return target.commit(treeFile, statistics);
    }
  }
}
