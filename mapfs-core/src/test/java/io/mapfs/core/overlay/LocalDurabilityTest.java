package io.mapfs.core.overlay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Durability LOCAL on a disk that fails: what an fsync has acknowledged is there, always. */
final class LocalDurabilityTest {
  private static final TestContext ROOT = TestContext.root();
  private static final long NONE = FileSystemOperations.NO_HANDLE;

  @TempDir Path temp;
  private final FaultyFiles disk = new FaultyFiles();
  private OverlayFixture fixture;
  private long node;

  @BeforeEach
  void mount() throws Exception {
    TestTrees trees = TestTrees.of("debian").file("/text", "the version's text");
    fixture = new OverlayFixture(temp.resolve("state"), trees.build(temp), trees.blockReader());
    fixture.files = disk;
    fixture.config = fixture.config.withDurability(Durability.LOCAL).withWaitLimitMillis(1_000);
    fixture.mount();
    Opened made = fixture.fs.create(ROOT, NodeId.ROOT, Name.of("new"), 0644, 2);
    node = made.attributes().node();
    fixture.fs.release(ROOT, node, made.handle());
  }

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  /** Writes eight pages of one letter, and fsyncs. */
  private void commit(char letter) throws FsException {
    byte[] bytes = String.valueOf(letter).repeat(8 * 4096).getBytes(UTF_8);
    assertEquals(
        bytes.length, fixture.fs.write(ROOT, node, NONE, 0, ByteBuffer.wrap(bytes), false));
    fixture.fs.fsync(ROOT, node, NONE, true);
  }

  /** The one letter that the file is full of. */
  private char content() throws FsException {
    long now = fixture.fs.lookup(ROOT, NodeId.ROOT, Name.of("new")).node();
    byte[] bytes = new byte[8 * 4096];
    assertEquals(bytes.length, fixture.fs.read(ROOT, now, NONE, 0, ByteBuffer.wrap(bytes)));
    String text = new String(bytes, UTF_8);
    assertEquals(text.substring(0, 1).repeat(8 * 4096), text);
    return text.charAt(0);
  }

  /** Retries pause for up to five seconds. */
  private void barrier() throws FsException {
    for (int tries = 0; ; tries++) {
      try {
        fixture.fs.barrier(ROOT);
        return;
      } catch (FsException e) {
        if (tries == 60) {
          throw e;
        }
      }
    }
  }

  private void powerCut() throws Exception {
    fixture.crash();
    disk.powerCut();
    Files.writeString(fixture.directory.resolve("mark"), "another boot\n");
  }

  @Test
  void aPowerCutTakesNothingThatWasAcknowledged() throws Exception {
    // Segments are made and made again: each one's name must be on disk as well as its bytes.
    fixture.unmount();
    fixture.pageSegmentSlots = 16;
    fixture.journalSegmentBytes = 700;
    fixture.mount();
    fixture.appliance.failNext(1_000_000);
    Random random = new Random(7);
    for (int round = 0; round < 12; round++) {
      char letter = (char) ('a' + round);
      for (int i = random.nextInt(5); i >= 0; i--) {
        commit(letter);
      }
      fixture.fs.write(ROOT, node, NONE, 0, ByteBuffer.allocate(8 * 4096), false);
      if (random.nextBoolean()) {
        fixture.fs.sealNow();
      }
      powerCut();
      fixture.appliance.failNext(0);
      fixture.mount();
      assertTrue(fixture.fetched, "after a power cut the index is not believed");
      char left = content();
      assertTrue(left == letter || left == 0, () -> "round " + letter + " left " + left);
      commit(letter);
      barrier();
      fixture.appliance.failNext(1_000_000);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "pages, WRITE, ENOSPC",
    "pages, WRITE, EIO",
    "pages, SYNC, ENOSPC",
    "pages, SYNC, EIO",
    "pages, SYNC_DIRECTORY, EIO",
    "journal, WRITE, ENOSPC",
    "journal, WRITE, EIO",
    "journal, SYNC, ENOSPC",
    "journal, SYNC, EIO",
    "journal, SYNC_DIRECTORY, EIO",
    "index, WRITE, ENOSPC",
    "index, WRITE, EIO",
    "index, SYNC, ENOSPC",
    "index, SYNC, EIO"
  })
  void aFaultIsToldAndNothingAcknowledgedIsLost(String part, Call call, Errno errno)
      throws Exception {
    commit('a');
    fixture.fs.barrier(ROOT);
    fixture.unmount();
    fixture.journalSegmentBytes = 300;
    fixture.mount();
    char acknowledged = 'a';
    fixture.appliance.failNext(1_000_000);
    disk.fail(part, call, errno, 1_000_000);
    for (char letter = 'b'; letter < 'd'; letter++) {
      try {
        commit(letter);
        acknowledged = letter;
      } catch (FsException e) {
        assertTrue(e.errno() == errno || e.errno() == Errno.EIO, e.getMessage());
      }
    }
    assertTrue(disk.struck() > 0 || call == Call.SYNC, "the fault struck nothing");
    boolean refuses = !(part.equals("index") && call == Call.SYNC);
    assertEquals(refuses ? 'a' : 'c', acknowledged);
    // The disk is well again, and the appliance in reach: it goes on by itself.
    disk.heal();
    fixture.appliance.failNext(0);
    barrier();
    commit('z');
    fixture.crash();
    fixture.mount();
    assertEquals('z', content());
  }

  @Test
  void aFailedSyncStaysFailedUntilTheApplianceHasIt() throws Exception {
    for (String part : new String[] {"pages", "journal"}) {
      barrier();
      fixture.appliance.failNext(1_000_000);
      disk.fail(part, Call.SYNC, Errno.EIO, 1);
      assertThrows(FsException.class, () -> commit('b'));
      assertEquals(1, disk.struck());
      // fdatasync(2) would say 0 now; what it lost is lost.
      for (int i = 0; i < 3; i++) {
        FsException e =
            assertThrows(FsException.class, () -> fixture.fs.fsync(ROOT, node, NONE, true));
        assertEquals(Errno.EIO, e.errno());
      }
      FsException e = assertThrows(FsException.class, () -> commit('c'));
      assertEquals(Errno.EIO, e.errno());
      fixture.appliance.failNext(0);
      barrier();
      fixture.fs.fsync(ROOT, node, NONE, true);
      commit('d');
    }
    fixture.crash();
    fixture.mount();
    assertTrue(fixture.fetched, "a copy that may have lost something is not believed");
    assertEquals('d', content());
    fixture.unmount();
    fixture.mount();
    assertFalse(fixture.fetched);
  }
}
