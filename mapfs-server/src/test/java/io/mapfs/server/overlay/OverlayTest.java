package io.mapfs.server.overlay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.hash.Sha256;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.journal.RecordLimits;
import io.mapfs.core.wire.Message;
import io.mapfs.server.FakeSession;
import io.mapfs.server.overlay.JournalProtocol.Effect;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.LeaseRecord;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One overlay, its folding done when the test says so. */
final class OverlayTest {
  private static final String NODE = "web01";
  private static final long DEADLOCK_SECONDS = 60;

  @TempDir Path directory;
  private final LinkedBlockingDeque<Runnable> folds = new LinkedBlockingDeque<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private ApplianceStore store;
  private HookedControl control;
  private Overlay overlay;
  private JournalRecord last;

  @BeforeEach
  void open() throws Exception {
    Path root = directory.resolve("store");
    ApplianceStore.init(root);
    store = ApplianceStore.open(root, Clock.systemUTC(), OverlayRows.TABLES);
    control = new HookedControl(store.control());
    overlay =
        Overlay.open(
            new NodeRecord(NODE, 1, "m", 1, 0, null, 0, 0, null, 0),
            directory.resolve("journal"),
            null,
            List.of(),
            new Overlay.Parts(
                store.blocks(),
                control,
                new OverlayRows(store.rows()),
                version -> {
                  throw new IOException("there are no versions");
                },
                threads,
                folds::add));
  }

  @AfterEach
  void close() throws Exception {
    overlay.close();
    threads.shutdown();
    store.close();
  }

  private Effect.Grant mount(long number) throws Exception {
    return overlay.lease().open(new FakeSession(NODE), number, "host" + number, true, epoch -> {});
  }

  /** Appends a record of so many new names. */
  private void append(long number, long epoch, int names) throws Exception {
    List<Change> changes = new ArrayList<>();
    for (int i = 0; i < names; i++) {
      changes.add(new Change.PutWhiteout(nextSequence(), Name.of(String.format("name-%06d", i))));
    }
    append(number, epoch, changes, List.of());
  }

  /** Appends a record of zeros that are written to the first pages of a file. */
  private void appendPages(long number, long epoch, int pages) throws Exception {
    FileTime time = new FileTime(1, 0);
    InodeState state =
        new InodeState(
            FileType.REGULAR,
            true,
            true,
            true,
            0644,
            0,
            0,
            1,
            0,
            (long) pages * Change.PAGE_BYTES,
            time,
            time,
            time,
            time,
            null,
            0,
            0,
            0);
    byte[] hash = Sha256.newDigest().digest(new byte[Change.PAGE_BYTES]);
    ByteBuffer hashes = ByteBuffer.allocate(pages * hash.length);
    for (int page = 0; page < pages; page++) {
      hashes.put(hash);
    }
    long ino = NodeId.FIRST_OVERLAY_INO;
    append(
        number,
        epoch,
        List.of(new Change.PutInode(ino, state), new Change.WritePages(ino, 0, hashes.array())),
        Collections.nCopies(pages, ByteBuffer.allocate(Change.PAGE_BYTES)));
  }

  private long nextSequence() {
    return last == null ? 1 : last.sequence() + 1;
  }

  private void append(long number, long epoch, List<Change> changes, List<ByteBuffer> pages)
      throws Exception {
    byte[] previous = last == null ? new byte[JournalRecord.HASH_BYTES] : RecordCodec.hash(last);
    last = new JournalRecord(NODE, epoch, nextSequence(), previous, 0, changes);
    overlay.journal().append(number, last, pages).get(DEADLOCK_SECONDS, TimeUnit.SECONDS);
  }

  @Test
  void aBacklogIsFoldedSliceBySlice() throws Exception {
    Effect.Grant granted = mount(1);
    int records = 2 * OverlayHead.SLICE_RECORDS_MAX + 10;
    for (int i = 0; i < records; i++) {
      append(1, granted.epoch(), 1);
    }
    long slice = OverlayHead.SLICE_RECORDS_MAX;
    for (long expected : new long[] {slice, 2 * slice, records}) {
      folds.take().run();
      assertEquals(expected, overlay.standing().position().sequence());
    }
  }

  @Test
  void theJournalIsTidiedUpThoughMoreIsWaiting() throws Exception {
    Effect.Grant granted = mount(1);
    while (journalFiles().size() < 2) {
      appendPages(1, granted.epoch(), RecordLimits.MAX_PAGES);
    }
    appendPages(1, granted.epoch(), 1_000);
    String first = journalFiles().get(0);
    long second = Long.parseLong(journalFiles().get(1).substring(0, 16), 16);
    while (overlay.standing().position().sequence() < second - 1) {
      folds.take().run();
    }
    assertTrue(overlay.standing().position().sequence() < last.sequence(), "something waits");
    assertFalse(journalFiles().contains(first), () -> first + " is folded");
  }

  private List<String> journalFiles() {
    String[] names = directory.resolve("journal").toFile().list();
    Arrays.sort(names);
    return List.of(names);
  }

  @Test
  void aReaderHasWhatWasDurableWhenItAsked() throws Exception {
    Effect.Grant granted = mount(1);
    for (int i = 0; i < 3; i++) {
      append(1, granted.epoch(), 1);
    }
    assertEquals(3, overlay.head().withHead(HeadPosition::sequence));
  }

  @Test
  void readersThatHaveBegunAndThoseThatGoDoNotWaitForTheFoldLock() throws Exception {
    Effect.Grant granted = mount(1);
    append(1, granted.epoch(), 20_000);
    FakeSession reader = new FakeSession(NODE);
    Message.HeadRows first = overlay.pages().read(reader, new byte[0]);
    CountDownLatch locked = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(1);
    CompletableFuture<Long> holder =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return overlay
                    .head()
                    .withHead(
                        position -> {
                          locked.countDown();
                          awaitQuietly(done);
                          return position.sequence();
                        });
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            },
            threads);
    assertTrue(locked.await(DEADLOCK_SECONDS, TimeUnit.SECONDS));
    CompletableFuture<Integer> rest =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                Message.HeadRows second = overlay.pages().read(reader, first.nextCursor());
                overlay.disconnect(reader, 1);
                return second.rows().size();
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            },
            threads);
    try {
      assertTrue(rest.get(DEADLOCK_SECONDS, TimeUnit.SECONDS) > 0);
    } finally {
      done.countDown();
    }
    assertEquals(1, holder.get(DEADLOCK_SECONDS, TimeUnit.SECONDS));
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void theEpochOnDiskNeverFallsWhenOneEndsAsAnotherBegins() throws Exception {
    Effect.Grant first = mount(1);
    overlay.lease().pinForMount(first, 0);
    CompletableFuture<Effect.Grant> next = new CompletableFuture<>();
    // Between the end of the first lease and the record of that, another session asks for it.
    control.beforeCommit =
        lease -> {
          control.beforeCommit = ignored -> {};
          CompletableFuture<Void> asked =
              CompletableFuture.runAsync(
                  () -> {
                    try {
                      next.complete(mount(2));
                    } catch (Exception e) {
                      next.completeExceptionally(e);
                    }
                  },
                  threads);
          // It is done now, or waits for this commit: long enough to tell.
          asked.completeOnTimeout(null, 500, TimeUnit.MILLISECONDS).join();
        };
    overlay.lease().close(1, first.epoch());
    assertEquals(2, next.get(DEADLOCK_SECONDS, TimeUnit.SECONDS).epoch());
    assertEquals(2, store.control().get(ControlTable.LEASES, NODE).epoch());
  }

  /** Control records, with something done before a lease is committed. */
  private static final class HookedControl implements ControlStore {
    private final ControlStore store;
    volatile Consumer<LeaseRecord> beforeCommit = ignored -> {};

    HookedControl(ControlStore store) {
      this.store = store;
    }

    @Override
    public long nowMillis() {
      return store.nowMillis();
    }

    @Override
    public long nextId(String series) throws IOException {
      return store.nextId(series);
    }

    @Override
    public <T> T get(ControlTable<T> table, String key) throws IOException {
      return store.get(table, key);
    }

    @Override
    public <T> List<T> list(ControlTable<T> table, String keyPrefix) throws IOException {
      return store.list(table, keyPrefix);
    }

    @Override
    public void commit(ControlChange... changes) throws IOException {
      for (ControlChange change : changes) {
        if (change instanceof ControlChange.Put<?> put
            && put.value() instanceof LeaseRecord lease) {
          beforeCommit.accept(lease);
        }
      }
      store.commit(changes);
    }

    @Override
    public void close() {}
  }
}
