package io.mapfs.core.overlay;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.overlay.FaultyFiles.Call;
import io.mapfs.core.tree.TestTrees;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The page log follows what is alive in it, and no kill or fault on the way costs a page. A kill
 * takes what the index did not flush.
 */
final class PageCompactionTest {
  private static final TestContext ROOT = TestContext.root();
  private static final long NONE = FileSystemOperations.NO_HANDLE;
  private static final int PAGE_BYTES = PageLog.PAGE_BYTES;
  private static final int SEGMENT_SLOTS = 32;
  private static final int FILES = 6;
  private static final int FILE_PAGES = 80;
  private static final int WAIT_MILLIS_MAX = 30_000;

  @TempDir Path temp;
  private final FaultyFiles disk = new FaultyFiles().withForgetfulIndex();
  private OverlayFixture fixture;
  private final long[] nodes = new long[FILES];
  private byte[][] now = new byte[FILES][FILE_PAGES];
  private byte[][] sealed = new byte[FILES][FILE_PAGES];

  @BeforeEach
  void mount() throws Exception {
    TestTrees trees = TestTrees.of("debian").file("/text", "the version's text");
    fixture = new OverlayFixture(temp.resolve("state"), trees.build(temp), trees.blockReader());
    fixture.files = disk;
    fixture.pageSegmentSlots = SEGMENT_SLOTS;
    fixture.config = fixture.config.withSealIntervalMillis(4).withCachedInodesMax(2);
    fixture.mount();
    for (int file = 0; file < FILES; file++) {
      make(file);
    }
    fixture.fs.barrier(ROOT);
  }

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  private static Name name(int file) {
    return Name.of("file" + file);
  }

  private void make(int file) throws FsException {
    Opened made = fixture.fs.create(ROOT, NodeId.ROOT, name(file), 0644, 2);
    nodes[file] = made.attributes().node();
    fixture.fs.release(ROOT, nodes[file], made.handle());
    now[file] = new byte[FILE_PAGES];
  }

  private void write(int file, int page, byte letter) throws FsException {
    byte[] bytes = new byte[PAGE_BYTES];
    Arrays.fill(bytes, letter);
    fixture.fs.write(
        ROOT, nodes[file], NONE, (long) page * PAGE_BYTES, ByteBuffer.wrap(bytes), false);
    now[file][page] = letter;
  }

  /** Writes a part of a page, which has to be read first. */
  private void writePart(int file, int page) throws FsException {
    if (now[file][page] != 0) {
      fixture.fs.write(
          ROOT,
          nodes[file],
          NONE,
          (long) page * PAGE_BYTES + 7,
          ByteBuffer.wrap(new byte[] {now[file][page]}),
          false);
    }
  }

  private void seal() throws FsException {
    fixture.fs.barrier(ROOT);
    noteSealed();
  }

  private void noteSealed() {
    for (int file = 0; file < FILES; file++) {
      sealed[file] = now[file].clone();
    }
  }

  /** Random writes, one by one and in runs; now and then a file goes and another comes. */
  private void churn(Random random, int writes) throws FsException {
    for (int i = 0; i < writes; i++) {
      int file = random.nextInt(FILES);
      int what = random.nextInt(100);
      if (what < 70) {
        write(file, random.nextInt(FILE_PAGES), (byte) (1 + random.nextInt(100)));
      } else if (what < 80) {
        writePart(file, random.nextInt(FILE_PAGES));
      } else if (what < 84) {
        int first = random.nextInt(FILE_PAGES - 10);
        for (int page = first; page < first + 10; page++) {
          write(file, page, (byte) (1 + random.nextInt(100)));
        }
      } else if (what == 84) {
        fixture.fs.unlink(ROOT, NodeId.ROOT, name(file));
        fixture.fs.forget(nodes[file], 1);
        make(file);
      } else if (what < 94) {
        seal();
      }
    }
  }

  private void check() throws FsException {
    for (int file = 0; file < FILES; file++) {
      nodes[file] = fixture.fs.lookup(ROOT, NodeId.ROOT, name(file)).node();
      ByteBuffer read = ByteBuffer.allocate(FILE_PAGES * PAGE_BYTES);
      int count = fixture.fs.read(ROOT, nodes[file], NONE, 0, read);
      byte[] letters = new byte[FILE_PAGES];
      for (int page = 0; page * PAGE_BYTES < count; page++) {
        letters[page] = read.get(page * PAGE_BYTES);
        for (int at = 0; at < PAGE_BYTES; at++) {
          assertEquals(letters[page], read.get(page * PAGE_BYTES + at), "file " + file);
        }
      }
      assertArrayEquals(sealed[file], letters, "file " + file);
    }
  }

  private void kill() throws IOException {
    fixture.crash();
    for (int file = 0; file < FILES; file++) {
      now[file] = sealed[file].clone();
    }
  }

  private long segmentFileBytes() throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.list(fixture.directory.resolve("pages"))) {
      for (Path file : files.toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }

  /** What the log may take once nothing is on its way: docs/format.md, "Page log". */
  private void awaitBound() throws Exception {
    long slots = 2 * fixture.fs.metrics().ownBytes() / PAGE_BYTES + 3 * SEGMENT_SLOTS;
    long deadline = System.currentTimeMillis() + WAIT_MILLIS_MAX;
    while (segmentFileBytes() > slots * PAGE_BYTES && System.currentTimeMillis() < deadline) {
      Thread.sleep(5);
    }
    assertTrue(
        segmentFileBytes() <= slots * PAGE_BYTES,
        () -> "the page log takes " + fixture.fs.metrics().pageLogBytes() + " bytes");
  }

  @Test
  void theLogFollowsWhatIsAliveNotWhatWasWritten() throws Exception {
    Random random = new Random(1);
    for (int round = 0; round < 5; round++) {
      // One page that stays in every segment, among others that go.
      for (int i = 0; i < FILE_PAGES; i++) {
        write(0, i, (byte) (1 + round));
        seal();
        for (int j = 0; j < SEGMENT_SLOTS; j++) {
          write(1, random.nextInt(8), (byte) (1 + j));
          seal();
        }
      }
      awaitBound();
      check();
    }
    assertTrue(segmentFileBytes() < 1L << 20, "of 50 MiB written");
    fixture.unmount();
    fixture.mount();
    check();
    awaitBound();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void nothingSealedIsLostByKills(long seed) throws Exception {
    Random random = new Random(seed);
    for (int round = 0; round < 12; round++) {
      churn(random, 50 + random.nextInt(300));
      fixture.fs.barrier(ROOT);
      noteSealed();
      kill();
      fixture.mount();
      assertTrue(!fixture.fetched, "the local copy is whole");
      check();
    }
    awaitBound();
    check();
  }

  /** Shows that these tests see what they are to see: deleted before the index is on disk. */
  @Test
  void aSkippedFlushOfTheIndexIsNoticed() throws Exception {
    disk.skipFlushes(true);
    Random random = new Random(1);
    churn(random, 3_000);
    seal();
    awaitBound();
    kill();
    disk.skipFlushes(false);
    assertThrows(
        Exception.class,
        () -> {
          fixture.mount();
          check();
        });
  }

  @ParameterizedTest
  @CsvSource({"index,WRITE", "index,SYNC", "pages,WRITE"})
  void aDiskThatFailsOnTheWayCostsNothing(String part, Call call) throws Exception {
    Random random = new Random(7);
    for (int round = 0; round < 8; round++) {
      churn(random, 200);
      seal();
      disk.fail(part, call, Errno.ENOSPC, 1 + random.nextInt(3));
      for (int i = 0; i < 200 && disk.struck() == 0; i++) {
        try {
          write(random.nextInt(FILES), random.nextInt(FILE_PAGES), (byte) (1 + i % 100));
          fixture.fs.barrier(ROOT);
        } catch (FsException e) {
          assertEquals(Errno.ENOSPC, e.errno());
        }
      }
      disk.heal();
      seal();
      if (round % 2 == 0) {
        kill();
        fixture.mount();
      }
      check();
    }
  }
}
