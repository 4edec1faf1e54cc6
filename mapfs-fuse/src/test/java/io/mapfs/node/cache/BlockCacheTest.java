package io.mapfs.node.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.wire.Priority;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class BlockCacheTest {
  private static final ReadScope SCOPE = new ReadScope.Version("debian", 1);
  private static final ReadScope OTHER_SCOPE = new ReadScope.Overlay("web01");
  private static final int BLOCK = BlockId.BLOCK_BYTES;

  @TempDir private Path directory;
  private final FakeSource source = new FakeSource();
  private final ExecutorService readers = Executors.newCachedThreadPool();
  private BlockCache cache;

  @BeforeEach
  void open() throws IOException {
    cache = open(BlockCacheOptions.CACHE_BYTES_MIN);
  }

  @AfterEach
  void close() throws IOException {
    cache.close();
    readers.shutdown();
  }

  private BlockCache open(long cacheBytes) throws IOException {
    // Little memory, so that reads come from disk.
    return BlockCache.open(
        new BlockCacheOptions(directory, cacheBytes, 4 << 20, Duration.ofSeconds(30), 4, 2),
        source);
  }

  private void reopen() throws IOException {
    cache.close();
    cache = open(BlockCacheOptions.CACHE_BYTES_MIN);
  }

  private byte[] read(BlockId id, int offsetBytes, int length) throws FsException {
    ByteBuffer target = ByteBuffer.allocate(length);
    cache.read(TestContext.root(), SCOPE, id, offsetBytes, target);
    assertEquals(0, target.remaining());
    return target.array();
  }

  private void assertReads(BlockId id, int offsetBytes, int length) throws FsException {
    byte[] content = source.contentOf(id);
    assertArrayEquals(
        Arrays.copyOfRange(content, offsetBytes, offsetBytes + length),
        read(id, offsetBytes, length));
  }

  private void awaitReaders(int count) {
    while (cache.statistics().waitingReaders() < count) {
      Thread.onSpinWait();
    }
  }

  private List<Path> segmentFiles() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(f -> f.toString().endsWith(".seg")).sorted().toList();
    }
  }

  private static void flip(Path file, long offsetBytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer one = ByteBuffer.allocate(1);
      channel.read(one, offsetBytes);
      one.put(0, (byte) (one.get(0) ^ 0x40)).rewind();
      channel.write(one, offsetBytes);
    }
  }

  @Test
  void readsAnyRangeFromSourceMemoryAndDisk() throws Exception {
    int[] sizes = {1, 31, 4095, 4096, 4097, 70_001, BLOCK};
    List<BlockId> ids = new ArrayList<>();
    for (int size : sizes) {
      ids.add(source.add(size, size));
    }
    for (int round = 0; round < 3; round++) {
      Random random = new Random(round);
      for (int i = 0; i < sizes.length; i++) {
        for (int n = 0; n < 20; n++) {
          int offset = random.nextInt(sizes[i]);
          assertReads(ids.get(i), offset, 1 + random.nextInt(sizes[i] - offset));
        }
        assertReads(ids.get(i), 0, sizes[i]);
        assertReads(ids.get(i), sizes[i], 0);
      }
      if (round == 1) {
        reopen();
      }
    }
    assertEquals(sizes.length, source.requests().size());
    assertTrue(cache.statistics().diskHits() >= sizes.length);
    assertEquals(0, cache.statistics().misses());
  }

  @Test
  void refusesARangeThatTheBlockDoesNotHave() {
    BlockId id = source.add(1, 5000);
    assertEquals(Errno.EIO, assertThrows(FsException.class, () -> read(id, 4096, 1000)).errno());
    assertThrows(IllegalArgumentException.class, () -> read(id, BLOCK, 1));
  }

  @Test
  void concurrentReadersShareOneFetch() throws Exception {
    BlockId id = source.add(1, BLOCK);
    source.hold();
    List<Future<byte[]>> reads = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      reads.add(readers.submit(() -> read(id, 4096, 4096)));
    }
    source.awaitRequests(1);
    source.release();
    for (Future<byte[]> read : reads) {
      assertArrayEquals(Arrays.copyOfRange(source.contentOf(id), 4096, 8192), read.get());
    }
    assertEquals(1, source.timesAsked(id));
  }

  @Test
  void mergesWhatWaitsIntoBatchesWithinTheLimits() throws Exception {
    source.hold();
    List<BlockHint> small = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      small.add(new BlockHint(source.add(i, 500), 500));
    }
    assertEquals(3000, cache.prefetch(SCOPE, small));
    source.awaitRequests(3);
    for (FakeSource.Request request : source.requests()) {
      assertTrue(request.ids().size() <= 1024);
      assertEquals(Priority.PREFETCH, request.priority());
    }
    // One of four slots is kept for demand.
    assertEquals(3, source.requests().size());
    BlockId wanted = source.add(-1, BLOCK);
    Future<byte[]> read = readers.submit(() -> read(wanted, 0, 10));
    source.awaitRequests(4);
    assertEquals(Priority.DEMAND, source.requests().get(3).priority());
    assertEquals(List.of(wanted), source.requests().get(3).ids());
    source.release();
    read.get();
    for (BlockHint hint : small) {
      assertReads(hint.id(), 0, 500);
      assertEquals(1, source.timesAsked(hint.id()));
    }
  }

  @Test
  void gathersSmallHintsWhileSomethingIsInFlight() throws Exception {
    source.hold();
    List<BlockHint> small = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      small.add(new BlockHint(source.add(i, 500), 500));
      assertEquals(1, cache.prefetch(SCOPE, small.subList(i, i + 1)));
    }
    source.awaitRequests(1);
    assertEquals(1, source.requests().size());
    source.release();
    source.awaitRequests(2);
    assertEquals(
        small.subList(1, 10).stream().map(BlockHint::id).toList(), source.requests().get(1).ids());
    for (BlockHint hint : small) {
      assertReads(hint.id(), 0, 500);
    }
  }

  @Test
  void demandOvertakesWhatIsQueuedAhead() throws Exception {
    source.hold();
    List<BlockHint> hints = new ArrayList<>();
    for (int i = 0; i < 14; i++) {
      hints.add(new BlockHint(source.add(i, BLOCK), BLOCK));
    }
    // Three batches of 8 blocks would be needed for all; the queue holds half of the memory.
    assertEquals(14, cache.prefetch(SCOPE, hints));
    Future<byte[]> read = readers.submit(() -> read(hints.get(13).id(), 0, 10));
    Future<byte[]> other = readers.submit(() -> read(source.add(99, 10), 0, 10));
    source.awaitRequests(3);
    source.release();
    read.get();
    other.get();
    for (BlockHint hint : hints) {
      read(hint.id(), 0, 1);
      assertEquals(1, source.timesAsked(hint.id()));
    }
  }

  @Test
  void dropsHintsThatFindTheQueueFullAndSaysSo() {
    source.hold();
    List<BlockHint> hints = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      hints.add(new BlockHint(source.add(i, BLOCK), BLOCK));
    }
    int heard = cache.prefetch(SCOPE, hints);
    assertTrue(heard >= 16 && heard < 64, "heard " + heard);
    assertEquals(64 - heard, cache.statistics().prefetchesDropped());
    // Asking again for what is on its way costs nothing.
    int requests = source.requests().size();
    assertEquals(heard, cache.prefetch(SCOPE, hints.subList(0, heard)));
    assertEquals(requests, source.requests().size());
    source.release();
  }

  @Test
  void aBlockThatIsHereIsNotFetchedAhead() throws Exception {
    BlockId id = source.add(1, 1000);
    read(id, 0, 1);
    cache.awaitWritten();
    cache.prefetch(SCOPE, List.of(id));
    reopen();
    cache.prefetch(SCOPE, List.of(id));
    assertEquals(1, source.requests().size());
  }

  @Test
  void aFailedFetchIsEioAndIsTriedAnewByTheNextReader() throws Exception {
    BlockId id = source.add(1, 1000);
    source.lose(id);
    FsException failure = assertThrows(FsException.class, () -> read(id, 0, 1));
    assertEquals(Errno.EIO, failure.errno());
    assertTrue(failure.getMessage().contains("no block"), failure.getMessage());
    assertThrows(FsException.class, () -> read(id, 0, 1));
    assertEquals(2, source.timesAsked(id));
  }

  @Test
  void oneMissingBlockFailsOnlyItsOwnReader() throws Exception {
    source.hold();
    BlockId good = source.add(1, 1000);
    BlockId bad = source.add(2, 1000);
    source.lose(bad);
    cache.prefetch(SCOPE, List.of(bad, good));
    source.awaitRequests(1);
    assertEquals(2, source.requests().get(0).ids().size());
    Future<byte[]> goodRead = readers.submit(() -> read(good, 0, 10));
    Future<byte[]> badRead = readers.submit(() -> read(bad, 0, 10));
    awaitReaders(2);
    source.release();
    assertArrayEquals(Arrays.copyOf(source.contentOf(good), 10), goodRead.get());
    assertThrows(Exception.class, badRead::get);
  }

  @Test
  void aSourceThatSendsAnotherContentIsEioAndNotCached() throws Exception {
    for (int size : new int[] {1000, 1001}) {
      BlockId id = source.add(size, size);
      source.spoil(id);
      assertEquals(Errno.EIO, assertThrows(FsException.class, () -> read(id, 0, 1)).errno());
    }
    assertEquals(2, cache.statistics().corruptFetched());
    assertEquals(0, cache.statistics().blocks());
  }

  @Test
  void anotherScopeIsAskedThroughWhenTheFirstHasNoRight() throws Exception {
    source.hold();
    BlockId id = source.add(1, 1000);
    cache.prefetch(OTHER_SCOPE, List.of(id));
    source.awaitRequests(1);
    Future<byte[]> read = readers.submit(() -> read(id, 0, 10));
    awaitReaders(1);
    source.requests().get(0).answer().completeExceptionally(new IOException("no right"));
    source.awaitRequests(2);
    assertEquals(SCOPE, source.requests().get(1).scope());
    source.release();
    assertArrayEquals(Arrays.copyOf(source.contentOf(id), 10), read.get());
  }

  @Test
  void anInterruptedReaderGetsEintrAndTheOthersTheirBytes() throws Exception {
    source.hold();
    BlockId id = source.add(1, 1000);
    TestContext impatient = TestContext.root();
    Future<?> interrupted =
        readers.submit(
            () -> {
              FsException failure =
                  assertThrows(
                      FsException.class,
                      () -> cache.read(impatient, SCOPE, id, 0, ByteBuffer.allocate(10)));
              assertEquals(Errno.EINTR, failure.errno());
            });
    Future<byte[]> patient = readers.submit(() -> read(id, 0, 10));
    source.awaitRequests(1);
    impatient.interrupt();
    interrupted.get();
    source.release();
    assertArrayEquals(Arrays.copyOf(source.contentOf(id), 10), patient.get());
  }

  @Test
  void aSourceThatNeverAnswersIsEioAfterTheDeadline() throws Exception {
    cache.close();
    cache =
        BlockCache.open(
            BlockCacheOptions.of(directory, BlockCacheOptions.CACHE_BYTES_MIN)
                .withDeadline(Duration.ofMillis(50)),
            source);
    source.hold();
    BlockId id = source.add(1, 1000);
    assertEquals(Errno.EIO, assertThrows(FsException.class, () -> read(id, 0, 1)).errno());
    source.awaitRequests(1);
    // The slot is free again: a later reader is served.
    source.release();
    assertReads(id, 0, 10);
  }

  @Test
  void closingFailsThoseWhoWait() throws Exception {
    source.hold();
    BlockId id = source.add(1, 1000);
    Future<byte[]> read = readers.submit(() -> read(id, 0, 10));
    source.awaitRequests(1);
    cache.close();
    assertThrows(Exception.class, () -> read.get(10, TimeUnit.SECONDS));
    source.release();
  }

  @Test
  void aFlippedBitAnywhereInAnEntryIsFetchedAgain() throws Exception {
    BlockId id = source.add(1, 10_000);
    read(id, 0, 1);
    cache.awaitWritten();
    // Header, leaf hashes, content: each at its beginning and end.
    int entry = Segment.HEADER_BYTES;
    int[] places = {entry, entry + 8, entry + 63, entry + 64, entry + 159, entry + 160, 10_223};
    for (int place : places) {
      cache.close();
      flip(segmentFiles().get(0), place);
      cache = open(BlockCacheOptions.CACHE_BYTES_MIN);
      long asked = source.timesAsked(id);
      assertReads(id, 0, 10_000);
      assertEquals(asked + 1, source.timesAsked(id), "at " + place);
      assertTrue(cache.statistics().corruptCached() <= 1);
      cache.close();
      for (Path file : segmentFiles()) {
        Files.delete(file);
      }
      cache = open(BlockCacheOptions.CACHE_BYTES_MIN);
      read(id, 0, 1);
      cache.awaitWritten();
    }
  }

  @Test
  void aFlippedBitInOneLeafDoesNotTouchTheOthers() throws Exception {
    BlockId id = source.add(1, BLOCK);
    read(id, 0, 1);
    cache.awaitWritten();
    cache.close();
    int content = Segment.HEADER_BYTES + Segment.ENTRY_HEADER_BYTES + 32 * 32;
    flip(segmentFiles().get(0), content + 5 * 4096);
    cache = open(BlockCacheOptions.CACHE_BYTES_MIN);
    assertReads(id, 0, 5 * 4096);
    assertReads(id, 6 * 4096, 4096);
    assertEquals(1, source.timesAsked(id));
    assertReads(id, 5 * 4096 + 100, 10);
    assertEquals(2, source.timesAsked(id));
    assertEquals(1, cache.statistics().corruptCached());
  }

  @Test
  void aSegmentThatIsCutOffAnywhereServesWhatIsLeft() throws Exception {
    List<BlockId> ids = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      ids.add(source.add(i, 3000 + i));
      read(ids.get(i), 0, 1);
      cache.awaitWritten();
    }
    cache.close();
    Path file = segmentFiles().get(0);
    byte[] whole = Files.readAllBytes(file);
    Random random = new Random(3);
    for (int cut = 0; cut < 12; cut++) {
      int length = cut == 0 ? 0 : cut == 1 ? whole.length - 1 : random.nextInt(whole.length);
      Files.write(file, Arrays.copyOf(whole, length));
      cache = open(BlockCacheOptions.CACHE_BYTES_MIN);
      assertTrue(cache.statistics().blocks() <= 20);
      if (length == whole.length - 1) {
        assertEquals(20, cache.statistics().blocks());
      }
      for (BlockId id : ids) {
        assertReads(id, 0, 3000);
      }
      cache.awaitWritten();
      assertEquals(20, cache.statistics().blocks());
      cache.close();
      for (Path left : segmentFiles()) {
        Files.delete(left);
      }
    }
    cache = open(BlockCacheOptions.CACHE_BYTES_MIN);
  }

  @Test
  void aCacheWhoseDaemonWasKilledGoesOn() throws Exception {
    BlockId first = source.add(1, 50_000);
    read(first, 0, 1);
    cache.awaitWritten();
    cache.close();
    Path file = segmentFiles().get(0);
    // As kill -9 leaves it: no index at the end, and half an entry instead.
    byte[] whole = Files.readAllBytes(file);
    int end = Segment.HEADER_BYTES + Segment.entryBytes(50_000);
    byte[] torn = Arrays.copyOf(whole, end + 3000);
    System.arraycopy(whole, Segment.HEADER_BYTES, torn, end, 3000);
    Files.write(file, torn);
    cache = open(BlockCacheOptions.CACHE_BYTES_MIN);
    assertEquals(1, cache.statistics().blocks());
    BlockId second = source.add(2, 1000);
    read(second, 0, 1);
    cache.awaitWritten();
    reopen();
    assertReads(first, 0, 50_000);
    assertReads(second, 0, 1000);
    assertEquals(0, cache.statistics().misses());
    assertEquals(1, segmentFiles().size());
  }

  @Test
  void refusesANewerFormatAndASecondDaemon() throws Exception {
    assertThrows(IOException.class, () -> open(BlockCacheOptions.CACHE_BYTES_MIN));
    read(source.add(1, 10), 0, 1);
    cache.awaitWritten();
    cache.close();
    Path file = segmentFiles().get(0);
    byte[] bytes = Files.readAllBytes(file);
    bytes[9] = 2;
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, 60);
    ByteBuffer.wrap(bytes).putInt(60, (int) crc.getValue());
    Files.write(file, bytes);
    IOException refusal =
        assertThrows(IOException.class, () -> open(BlockCacheOptions.CACHE_BYTES_MIN));
    assertTrue(refusal.getMessage().contains("format 2"), refusal.getMessage());
    assertTrue(Files.exists(file));
    Files.delete(file);
    cache = open(BlockCacheOptions.CACHE_BYTES_MIN);
  }

  @Test
  void staysWithinItsLimitAndEvictsWhatWasUsedLongestAgo() throws Exception {
    BlockId kept = source.add(-1, BLOCK);
    read(kept, 0, 1);
    cache.awaitWritten();
    for (int i = 0; i < 300; i++) {
      read(source.add(i, BLOCK), 0, 1);
      cache.awaitWritten();
      if (i % 40 == 39) {
        // Out of memory by now, so this read shows the disk that the block is of use.
        assertReads(kept, 4096, 4096);
      }
      long onDisk = 0;
      for (Path file : segmentFiles()) {
        onDisk += Files.size(file);
      }
      assertTrue(onDisk <= BlockCacheOptions.CACHE_BYTES_MIN, "on disk: " + onDisk);
    }
    assertTrue(cache.statistics().evictedSegments() > 10);
    assertEquals(1, source.timesAsked(kept));
    reopen();
    assertReads(kept, 0, BLOCK);
    assertEquals(1, source.timesAsked(kept));
  }

  @Test
  void readersSeeRightBytesWhileSegmentsAreEvicted() throws Exception {
    List<BlockId> ids = new ArrayList<>();
    for (int i = 0; i < 250; i++) {
      ids.add(source.add(i, BLOCK - i));
    }
    List<Future<?>> reads = new ArrayList<>();
    for (int thread = 0; thread < 4; thread++) {
      Random random = new Random(thread);
      reads.add(
          readers.submit(
              () -> {
                for (int i = 0; i < 1000; i++) {
                  BlockId id = ids.get(random.nextInt(ids.size()));
                  int offset = random.nextInt(BLOCK - 10_000);
                  assertReads(id, offset, 9_000);
                }
                return null;
              }));
    }
    for (Future<?> read : reads) {
      read.get();
    }
    assertTrue(cache.statistics().evictedSegments() > 0);
    assertEquals(0, cache.statistics().corruptCached());
  }

  @Test
  void anInterruptedThreadDoesNotCloseTheFilesForOthers() throws Exception {
    BlockId id = source.add(1, BLOCK);
    read(id, 0, 1);
    cache.awaitWritten();
    reopen();
    readers
        .submit(
            () -> {
              Thread.currentThread().interrupt();
              // FileChannel closes itself under an interrupted reader; the block is fetched then,
              // unless the wait for it is interrupted too.
              try {
                assertReads(id, 0, 1);
              } catch (FsException e) {
                assertEquals(Errno.EINTR, e.errno());
              }
              return Thread.interrupted();
            })
        .get();
    assertReads(id, 0, BLOCK);
    BlockId other = source.add(2, BLOCK);
    assertReads(other, 0, BLOCK);
    cache.awaitWritten();
    reopen();
    assertReads(other, 0, BLOCK);
    assertEquals(1, source.timesAsked(other));
  }
}
