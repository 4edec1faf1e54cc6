package io.mapfs.core.overlay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.kv.KeyValueStore;
import io.mapfs.core.rocks.RocksOptions;
import io.mapfs.core.rocks.RocksStore;
import io.mapfs.core.tree.TestTrees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The disk of the index, a tmpfs of 4 MiB, fills up beneath RocksDB. Needs root. */
final class FullIndexDiskTest {
  private static final TestContext ROOT = TestContext.root();
  private static final int DIRECTORIES_MAX = 3_000;
  private static final int TRIES = 60;

  @TempDir Path temp;
  private final Random random = new Random(1);
  private final List<Name> made = new ArrayList<>();
  private OverlayFixture fixture;
  private Path disk;
  private boolean mounted;

  /** The index elsewhere than the rest, with tables that are soon full. */
  private final class IndexElsewhere implements LocalFiles {
    private final LocalFiles files = new PosixFiles();

    @Override
    public LocalFile create(Path file) throws FsException {
      return files.create(file);
    }

    @Override
    public LocalFile open(Path file) throws FsException {
      return files.open(file);
    }

    @Override
    public void syncDirectory(Path directory) throws FsException {
      files.syncDirectory(directory);
    }

    @Override
    public KeyValueStore openIndex(Path directory) throws IOException {
      return RocksStore.open(
          disk.resolve("index"),
          new RocksOptions(OverlayIndex.TABLES, false, false, 1 << 20, 256 << 10, 10));
    }
  }

  @BeforeEach
  void mount() throws Exception {
    disk = Files.createDirectory(temp.resolve("disk"));
    mounted = run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk.toString());
    if (System.getenv("CI") != null) {
      assertTrue(mounted, "CI must be able to mount a tmpfs");
    }
    assumeTrue(mounted, "mounting a tmpfs needs root");
    TestTrees trees = TestTrees.of("debian").file("/text", "the version's text");
    fixture = new OverlayFixture(temp.resolve("state"), trees.build(temp), trees.blockReader());
    fixture.files = new IndexElsewhere();
    fixture.config = fixture.config.withWaitLimitMillis(1_000);
    fixture.mount();
  }

  @AfterEach
  void close() throws Exception {
    if (fixture != null) {
      fixture.close();
    }
    if (mounted) {
      run("umount", "-l", disk.toString());
    }
  }

  private static boolean run(String... command) throws Exception {
    return new ProcessBuilder(command).start().waitFor() == 0;
  }

  /** Something for the index alone. */
  private void makeDirectory(int number) throws FsException {
    Name name = Name.of("d" + number);
    long node = fixture.fs.mkdir(ROOT, NodeId.ROOT, name, 0755).node();
    made.add(name);
    byte[] value = new byte[2_000];
    random.nextBytes(value);
    fixture.fs.setxattr(ROOT, node, Name.of("user.large"), value, 0, false);
  }

  @Test
  void sealingGoesOnOnceThereIsSpaceAgain() throws Exception {
    String failure = null;
    for (int number = 0; failure == null && number < DIRECTORIES_MAX; number++) {
      try {
        makeDirectory(number);
        if (number % 10 == 0) {
          fixture.fs.barrier(ROOT);
        }
      } catch (FsException e) {
        assertEquals(Errno.EIO, e.errno());
      }
      failure = fixture.fs.metrics().failure();
    }
    assertTrue(
        failure != null && failure.contains("no space left for the database"),
        made.size() + " directories, " + failure);
    FsException e = assertThrows(FsException.class, () -> fixture.fs.barrier(ROOT));
    assertEquals(Errno.EIO, e.errno());

    assertTrue(run("mount", "-o", "remount,size=64m", disk.toString()));
    for (int tries = 0; ; tries++) {
      try {
        fixture.fs.barrier(ROOT);
        break;
      } catch (FsException again) {
        if (tries == TRIES) {
          throw again;
        }
      }
    }
    makeDirectory(DIRECTORIES_MAX);
    fixture.fs.barrier(ROOT);
    fixture.crash();
    fixture.mount();
    for (Name name : made) {
      fixture.fs.lookup(ROOT, NodeId.ROOT, name);
    }
  }
}
