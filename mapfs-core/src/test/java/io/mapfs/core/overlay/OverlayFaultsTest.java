package io.mapfs.core.overlay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.BlockReader;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.AttributeChange;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.fs.RequestContext;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.importer.RootTests;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TestTrees;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What fails below the overlay, and what the overlay makes of it. */
final class OverlayFaultsTest {
  private static final TestContext ROOT = TestContext.root();
  private static final long NONE = FileSystemOperations.NO_HANDLE;

  @TempDir Path temp;
  private TestTrees trees;
  private RepositoryTree base;
  private OverlayFixture fixture;
  private boolean tmpfs;

  @BeforeEach
  void mount() throws Exception {
    trees = TestTrees.of("debian").file("/big", new byte[300_000]).file("/text", "some text");
    base = trees.build(temp);
    fixture = new OverlayFixture(temp.resolve("state"), base, trees.blockReader()).mount();
  }

  @AfterEach
  void unmount() throws Exception {
    fixture.close();
    if (tmpfs) {
      run("umount", "-l", fixture.directory.toString());
    }
  }

  @Test
  void aWriteThatNeedsAnUnreachableBlockFailsAndChangesNothing() throws Exception {
    remountWith(
        reader(
            () -> {
              throw new FsException(Errno.EIO, "out of reach");
            }));
    long node = lookup("big");
    FsException e = assertThrows(FsException.class, () -> write(node, 5_000, "part of a page"));
    assertEquals(Errno.EIO, e.errno());
    assertEquals(0, fixture.fs.metrics().ownBytes());
    // A whole page needs nothing of the base.
    fixture.fs.write(ROOT, node, NONE, 4096, ByteBuffer.allocate(4096), false);
    assertEquals(4096, fixture.fs.metrics().ownBytes());
    fixture.fs.setattr(ROOT, node, size(100_001));
    assertEquals(100_001, fixture.fs.getattr(ROOT, node).sizeBytes());
  }

  @Test
  void lookupsGoOnWhileABlockIsWaitedFor() throws Exception {
    CountDownLatch reading = new CountDownLatch(1);
    CountDownLatch letGo = new CountDownLatch(1);
    remountWith(
        reader(
            () -> {
              reading.countDown();
              try {
                assertTrue(letGo.await(30, TimeUnit.SECONDS));
              } catch (InterruptedException e) {
                throw new FsException(Errno.EINTR, "interrupted", e);
              }
            }));
    long node = lookup("big");
    Thread writer =
        new Thread(
            () -> {
              try {
                write(node, 5_000, "part of a page");
              } catch (FsException e) {
                throw new IllegalStateException(e);
              }
            });
    writer.start();
    assertTrue(reading.await(30, TimeUnit.SECONDS));
    assertEquals(300_000, fixture.fs.getattr(ROOT, lookup("big")).sizeBytes());
    fixture.fs.mkdir(ROOT, NodeId.ROOT, Name.of("new"), 0755);
    fixture.fs.setattr(ROOT, node, size(250_000));
    fixture.fs.barrier(ROOT);
    letGo.countDown();
    writer.join();
    ByteBuffer read = ByteBuffer.allocate(4);
    fixture.fs.read(ROOT, node, NONE, 5_000, read);
    assertEquals("part", new String(read.array(), UTF_8));
    assertEquals(250_000, fixture.fs.getattr(ROOT, node).sizeBytes());
  }

  @Test
  void whoBringsAnAnswerTouchesNoDisk() throws Exception {
    // It may be the thread that reads from the appliance: a disk that hangs must not make it deaf.
    fixture.unmount();
    FaultyFiles disk = new FaultyFiles();
    fixture.files = disk;
    fixture.pageSegmentSlots = 16;
    ExecutorService answers =
        Executors.newSingleThreadExecutor(task -> new Thread(task, "brings answers"));
    fixture.shipper =
        (record, pages) -> {
          CompletableFuture<Void> answer = new CompletableFuture<>();
          answers.execute(
              () -> {
                fixture.appliance.ship(record, pages).join();
                answer.complete(null);
              });
          return answer;
        };
    fixture.mount();
    try {
      long node = lookup("big");
      for (int round = 0; round < 200 && !disk.closers.contains("mapfs-seal-web01"); round++) {
        fixture.fs.write(ROOT, node, NONE, 0, ByteBuffer.allocate(16 * 4096), false);
        fixture.fs.barrier(ROOT);
      }
      assertTrue(disk.closers.contains("mapfs-seal-web01"), disk.closers::toString);
      assertFalse(disk.closers.contains("brings answers"), disk.closers::toString);
    } finally {
      fixture.crash();
      answers.shutdown();
    }
  }

  @Test
  void aFullDiskRefusesWritesAndHeals() throws Exception {
    RootTests.requireRoot();
    fixture.unmount();
    tmpfs = run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", fixture.directory.toString());
    assertTrue(tmpfs);
    fixture.mount();
    Path ballast = fixture.directory.resolve("ballast");
    Files.write(ballast, new byte[16 << 20]);
    Opened made = fixture.fs.create(ROOT, NodeId.ROOT, Name.of("new"), 0644, 2);
    long node = made.attributes().node();
    FsException full = null;
    long written = 0;
    for (int i = 0; i < 64 && full == null; i++) {
      try {
        written += fixture.fs.write(ROOT, node, NONE, written, ByteBuffer.allocate(1 << 20), false);
      } catch (FsException e) {
        full = e;
      }
    }
    assertNotNull(full);
    assertEquals(Errno.ENOSPC, full.errno());
    assertEquals(written, fixture.fs.getattr(ROOT, node).sizeBytes());
    Files.delete(ballast);
    fixture.fs.write(ROOT, node, NONE, written, ByteBuffer.allocate(1 << 20), false);
    fixture.fs.barrier(ROOT);
    assertEquals(written + (1 << 20), fixture.appliance.inode(node).sizeBytes());
  }

  @Test
  void afterAPowerCutTheTailIsSentAndTheHeadFetched() throws Exception {
    fixture.appliance.failNext(1_000);
    write(lookup("text"), 0, "FRESH");
    fixture.fs.sealNow();
    fixture.crash();
    fixture.appliance.failNext(0);
    Files.writeString(fixture.directory.resolve("mark"), "another boot\n");
    try (OverlayState state = OverlayState.open(fixture.directory)) {
      assertEquals(1, state.position().sequence());
      assertFalse(
          state.isUsableAt(OverlayFixture.NODE, "debian", 1, 1, state.position().hash(), 0));
    }
    fixture.mount();
    assertEquals(1, fixture.appliance.recordCount());
    ByteBuffer read = ByteBuffer.allocate(9);
    fixture.fs.read(ROOT, lookup("text"), NONE, 0, read);
    assertEquals("FRESHtext", new String(read.array(), UTF_8));
  }

  @Test
  void aTailWhosePagesAreLostEndsThere() throws Exception {
    fixture.appliance.failNext(1_000);
    write(lookup("text"), 0, "one");
    fixture.fs.sealNow();
    write(lookup("text"), 0, "two");
    fixture.fs.sealNow();
    fixture.crash();
    Files.writeString(fixture.directory.resolve("mark"), "another boot\n");
    try (Stream<Path> files = Files.list(fixture.directory.resolve("pages"))) {
      Path pages = files.findFirst().orElseThrow();
      byte[] bytes = Files.readAllBytes(pages);
      bytes[4096] ^= 1;
      Files.write(pages, bytes);
    }
    List<Long> sequences = new ArrayList<>();
    try (OverlayState state = OverlayState.open(fixture.directory)) {
      state.tail(0).forEach(tail -> sequences.add(tail.record().sequence()));
    }
    assertEquals(List.of(1L), sequences);
  }

  @Test
  void aStaleCopyIsFetchedAnew() throws Exception {
    write(lookup("text"), 0, "mine");
    fixture.unmount();
    Path copy = temp.resolve("copy");
    run("cp", "-a", fixture.directory.toString(), copy.toString());
    fixture.mount();
    fixture.fs.unlink(ROOT, NodeId.ROOT, Name.of("big"));
    fixture.unmount();
    run("rm", "-rf", fixture.directory.toString());
    Files.move(copy, fixture.directory);
    fixture.mount();
    assertNull(fixture.fs.lookup(ROOT, NodeId.ROOT, Name.of("big")));
  }

  @Test
  void aFenceEndsEveryWaitAndLosesNothing() throws Exception {
    fixture.unmount();
    JournalShipper fenced =
        (record, pages) ->
            CompletableFuture.failedFuture(new FencedException("another machine has the lease"));
    fixture.shipper = fenced;
    fixture.mount();
    write(lookup("text"), 0, "mine");
    FsException e = assertThrows(FsException.class, () -> fixture.fs.barrier(ROOT));
    assertEquals(Errno.EIO, e.errno());
    assertTrue(e.getMessage().contains("another machine"), e.getMessage());
    fixture.crash();
    try (OverlayState state = OverlayState.open(fixture.directory)) {
      assertEquals(1, state.lastSequence());
    }
    fixture.shipper = fixture.appliance;
  }

  @Test
  void writersWaitWhenTooMuchIsUnacknowledged() throws Exception {
    fixture.unmount();
    fixture.config = fixture.config.withUnacknowledgedBytesMax(1 << 20).withWaitLimitMillis(2_000);
    fixture.mount();
    fixture.appliance.hold();
    Opened made = fixture.fs.create(ROOT, NodeId.ROOT, Name.of("new"), 0644, 2);
    long node = made.attributes().node();
    FsException refused = null;
    for (int i = 0; i < 40 && refused == null; i++) {
      try {
        fixture.fs.write(ROOT, node, NONE, (long) i << 20, ByteBuffer.allocate(1 << 20), false);
      } catch (FsException e) {
        refused = e;
      }
    }
    assertNotNull(refused);
    assertEquals(Errno.EIO, refused.errno());
    fixture.appliance.letGo();
    fixture.fs.barrier(ROOT);
    fixture.fs.write(ROOT, node, NONE, 0, ByteBuffer.allocate(1 << 20), false);
  }

  @Test
  void manyWritersAtATimeFindTheSameRoomOnceWhileSomebodyCommits() throws Exception {
    fixture.unmount();
    fixture.config = fixture.config.withWaitLimitMillis(2_000);
    fixture.mount();
    fixture.appliance.hold();
    long node = fixture.fs.create(ROOT, NodeId.ROOT, Name.of("new"), 0644, 2).attributes().node();
    AtomicBoolean done = new AtomicBoolean();
    Thread committing = new Thread(() -> commitUntil(done, node));
    committing.start();
    // Nothing is acknowledged: who is not let in gives up.
    assertThrows(FsException.class, () -> fixture.fs.fsync(ROOT, node, NONE, false));
    AtomicInteger letIn = new AtomicInteger();
    List<Thread> writers = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      long offset = (long) i << 20;
      writers.add(new Thread(() -> letIn.addAndGet(isWritten(node, offset, 1 << 20) ? 1 : 0)));
    }
    writers.forEach(Thread::start);
    for (Thread writer : writers) {
      writer.join();
    }
    assertEquals(8, letIn.get(), "8 MiB may wait while nothing is known of the line");
    assertTrue(isWritten(node, 64L << 20, 4096), "small ones have room");
    done.set(true);
    fixture.appliance.letGo();
    committing.join();
    fixture.fs.barrier(ROOT);
  }

  private boolean isWritten(long node, long offset, int bytes) {
    try {
      fixture.fs.write(ROOT, node, NONE, offset, ByteBuffer.allocate(bytes), false);
      return true;
    } catch (FsException e) {
      return false;
    }
  }

  private void commitUntil(AtomicBoolean done, long node) {
    while (!done.get()) {
      try {
        fixture.fs.fsync(ROOT, node, NONE, false);
      } catch (FsException e) {
        // Nothing is acknowledged yet.
      }
    }
  }

  @Test
  void aVanishedBaseIsAnErrorOfThatFileOnly() throws Exception {
    long text = lookup("text");
    long big = lookup("big");
    fixture.fs.setattr(
        ROOT, text, new AttributeChange(0600, null, null, null, null, null, null, false, NONE));
    fixture.fs.setattr(
        ROOT, big, new AttributeChange(0600, null, null, null, null, null, null, false, NONE));
    write(big, 5, "own");
    fixture.unmount();
    RepositoryTree two = trees.remove("/text").remove("/big").file("/other", "new").build(temp);
    OverlayFixture updated = new OverlayFixture(temp.resolve("updated"), two, trees.blockReader());
    updated.older.put(1, base);
    OverlayState state = OverlayState.open(temp.resolve("updated"));
    state.load(
        fixture.appliance.headRows(10), fixture.appliance.position(OverlayFixture.NODE, 9, two));
    state.beginMount(10, 0, 0);
    try (OverlayFileSystem fs =
        OverlayFileSystem.mount(
            updated.config,
            state,
            updated.versions(),
            fixture.appliance,
            ReadListener.NONE,
            fixture.appliance,
            updated.clock)) {
      assertEquals(
          Errno.EIO, assertThrows(FsException.class, () -> fs.getattr(ROOT, text)).errno());
      assertNotNull(fs.lookup(ROOT, NodeId.ROOT, Name.of("other")));
      // Own attributes and data need the older version's blocks alone.
      ByteBuffer read = ByteBuffer.allocate(10);
      assertEquals(10, fs.read(ROOT, big, NONE, 200_000, read));
    }
  }

  private interface Fault {
    void strike() throws FsException;
  }

  private BlockReader reader(Fault fault) {
    return new BlockReader() {
      @Override
      public void read(
          RequestContext context, ReadScope scope, BlockId id, int offsetBytes, ByteBuffer target)
          throws FsException {
        fault.strike();
        fixture.appliance.read(context, scope, id, offsetBytes, target);
      }

      @Override
      public boolean readAtHand(BlockId id, int offsetBytes, ByteBuffer target) {
        return fixture.appliance.readAtHand(id, offsetBytes, target);
      }

      @Override
      public void prefetch(ReadScope scope, Iterable<BlockId> ids) {}
    };
  }

  private void remountWith(BlockReader reader) throws Exception {
    fixture.unmount();
    fixture.reader = reader;
    fixture.mount();
  }

  private long lookup(String name) throws FsException {
    return fixture.fs.lookup(ROOT, NodeId.ROOT, Name.of(name)).node();
  }

  private void write(long node, long offset, String text) throws FsException {
    fixture.fs.write(ROOT, node, NONE, offset, ByteBuffer.wrap(text.getBytes(UTF_8)), false);
  }

  private static AttributeChange size(long bytes) {
    return new AttributeChange(null, null, null, bytes, null, null, null, false, NONE);
  }

  private static boolean run(String... command) throws Exception {
    return new ProcessBuilder(command).inheritIO().start().waitFor() == 0;
  }
}
