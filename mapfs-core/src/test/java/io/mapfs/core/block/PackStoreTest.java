package io.mapfs.core.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.kv.KeyValueStore;
import io.mapfs.core.kv.MemoryStore;
import io.mapfs.core.rocks.RocksOptions;
import io.mapfs.core.rocks.RocksStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PackStoreTest {
  @TempDir Path directory;

  private final BlockCodec codec = new BlockCodec(1);
  private MemoryStore index = new MemoryStore(PackStore.TABLES.toArray(String[]::new));

  @Test
  void blocksAreThereAtOnceAndAfterReopening() throws IOException {
    List<StoredBlock> blocks = blocks(50);
    try (PackStore store = open()) {
      for (StoredBlock block : blocks) {
        assertFalse(store.contains(block.id()));
        assertTrue(store.put(block));
        assertFalse(store.put(block), "stored once");
        assertTrue(store.contains(block.id()));
      }
      assertAllThere(store, blocks);
      store.sync();
      assertFalse(store.put(blocks.get(0)), "also after a sync");
      assertEquals(50, store.statistics().blocks());
    }
    try (PackStore store = open()) {
      assertAllThere(store, blocks);
      assertEquals(statistics(blocks), store.statistics());
      assertEquals(Optional.empty(), store.get(block(999).id()));
      assertTrue(store.put(block(999)), "appending goes on");
    }
    assertEquals(1, packCount());
  }

  @Test
  void itWorksOnRocksDb() throws IOException {
    RocksOptions options = RocksOptions.of(PackStore.TABLES.toArray(String[]::new));
    for (int round = 0; round < 2; round++) {
      try (RocksStore rocks = RocksStore.open(directory.resolve("index"), options);
          PackStore store = PackStore.open(directory, rocks)) {
        assertEquals(round == 0, store.put(block(1)));
        assertAllThere(store, List.of(block(1)));
        assertEquals(List.of(), store.verify(VerifyProgress.NONE));
      }
    }
  }

  @Test
  void aPowerCutTakesOnlyWhatWasNotSynced() throws IOException {
    List<StoredBlock> synced = blocks(20);
    PackStore store = open();
    putAll(store, synced);
    store.sync();
    for (int i = 100; i < 110; i++) {
      store.put(block(i));
    }
    MemoryStore durableIndex = index.afterPowerCut();
    byte[] written = Files.readAllBytes(pack(1));
    store.close();

    Random random = new Random(4);
    long syncedBytes = 16;
    for (StoredBlock block : synced) {
      syncedBytes += 56 + block.payload().remaining();
    }
    for (int round = 0; round < 30; round++) {
      // The disk took some of the tail, in any order: cut it, and break what stays.
      int length = (int) syncedBytes + random.nextInt(written.length - (int) syncedBytes + 1);
      byte[] torn = Arrays.copyOf(written, length);
      if (length > syncedBytes && round % 2 == 0) {
        torn[(int) syncedBytes + random.nextInt(length - (int) syncedBytes)] ^= 0x10;
      }
      Files.write(pack(1), torn);
      index = durableIndex.afterPowerCut();
      try (PackStore survivor = open()) {
        assertAllThere(survivor, synced);
        for (int i = 100; i < 110; i++) {
          Optional<StoredBlock> late = survivor.get(block(i).id());
          if (late.isPresent()) {
            assertArrayEquals(content(i), BlockCodec.decodeVerified(late.get()));
          }
        }
        assertTrue(survivor.put(block(200)));
        survivor.sync();
        assertEquals(List.of(), survivor.verify(VerifyProgress.NONE));
      }
    }
  }

  @Test
  void aLostIndexIsMadeAgain() throws IOException {
    List<StoredBlock> blocks = blocks(30);
    try (PackStore store = open()) {
      putAll(store, blocks);
    }
    index = new MemoryStore(PackStore.TABLES.toArray(String[]::new));
    try (PackStore store = open()) {
      assertAllThere(store, blocks);
      assertEquals(statistics(blocks), store.statistics());
      assertFalse(store.put(blocks.get(3)));
    }
  }

  @Test
  void aFullPackIsSealedAndIndexedByItself() throws IOException {
    List<StoredBlock> blocks = blocks(25);
    try (PackStore store = PackStore.open(directory, index, 10)) {
      putAll(store, blocks);
      assertAllThere(store, blocks);
    }
    assertEquals(3, packCount());
    byte[] sealed = Files.readAllBytes(pack(1));
    index = new MemoryStore(PackStore.TABLES.toArray(String[]::new));
    try (PackStore store = PackStore.open(directory, index, 10)) {
      assertEquals(statistics(blocks), store.statistics());
      assertAllThere(store, blocks);
      assertEquals(List.of(), store.verify(VerifyProgress.NONE));
      assertTrue(store.put(block(100)));
    }
    assertEquals(3, packCount(), "the last one is appended to");
    assertArrayEquals(sealed, Files.readAllBytes(pack(1)), "never changed again");

    // The same, with the footer lost: block by block.
    Files.write(pack(1), Arrays.copyOf(sealed, sealed.length - 1));
    index = new MemoryStore(PackStore.TABLES.toArray(String[]::new));
    try (PackStore store = PackStore.open(directory, index, 10)) {
      assertAllThere(store, blocks);
      assertEquals(26, store.statistics().blocks());
    }
    assertArrayEquals(sealed, Files.readAllBytes(pack(1)), "sealed again as it was");
  }

  @Test
  void aDamagedFooterIsFoundAndItsBlocksAreReadable() throws IOException {
    List<StoredBlock> blocks = blocks(10);
    try (PackStore store = PackStore.open(directory, index, 10)) {
      putAll(store, blocks);
    }
    byte[] bytes = Files.readAllBytes(pack(1));
    bytes[bytes.length - 30] ^= 1;
    Files.write(pack(1), bytes);
    try (PackStore store = open()) {
      assertAllThere(store, blocks);
      List<BlockFault> faults = store.verify(VerifyProgress.NONE);
      assertEquals(1, faults.size());
      assertEquals(offset(blocks, 10), faults.get(0).offsetBytes());
    }
  }

  @Test
  void aDamagedBlockCountsAsAbsentAndIsHealedByStoringItAgain() throws IOException {
    List<StoredBlock> blocks = blocks(10);
    try (PackStore store = PackStore.open(directory, index, 10)) {
      putAll(store, blocks);
    }
    damage(offset(blocks, 4) + 60);
    StoredBlock broken = blocks.get(4);
    try (PackStore store = open()) {
      assertTrue(store.contains(broken.id()), "nobody has looked yet");
      assertThrows(CorruptBlockException.class, () -> store.get(broken.id()));
      assertFalse(store.contains(broken.id()));
      assertThrows(CorruptBlockException.class, () -> store.get(broken.id()));
    }
    try (PackStore store = open()) {
      assertFalse(store.contains(broken.id()), "also after a restart");
      assertTrue(store.put(broken));
      assertFalse(store.put(broken));
      assertAllThere(store, blocks);
      store.sync();
      assertAllThere(store, blocks);
      assertEquals(List.of(), store.verify(VerifyProgress.NONE));
    }
    index = new MemoryStore(PackStore.TABLES.toArray(String[]::new));
    try (PackStore store = open()) {
      assertAllThere(store, blocks);
    }
  }

  @Test
  void severalBlocksComeInTheOrderAskedFor() throws IOException {
    List<StoredBlock> blocks = blocks(12);
    try (PackStore store = open()) {
      putAll(store, blocks);
      store.sync();
      // Neighbours, one alone, one that is unknown, the same twice, and backwards.
      int[] asked = {3, 4, 5, 9, -1, 0, 0, 2, 1};
      List<BlockId> ids = new ArrayList<>();
      for (int i : asked) {
        ids.add(i < 0 ? block(999).id() : blocks.get(i).id());
      }
      List<Optional<StoredBlock>> found = store.getAll(ids);
      assertEquals(asked.length, found.size());
      for (int i = 0; i < asked.length; i++) {
        assertEquals(asked[i] >= 0, found.get(i).isPresent(), "number " + i);
        if (asked[i] >= 0) {
          assertEquals(ids.get(i), found.get(i).get().id());
          assertArrayEquals(content(asked[i]), BlockCodec.decodeVerified(found.get(i).get()));
        }
      }
      assertEquals(List.of(), store.getAll(List.of()));
    }
  }

  @Test
  void aDamagedBlockAmongItsNeighboursIsFound() throws IOException {
    List<StoredBlock> blocks = blocks(10);
    try (PackStore store = open()) {
      putAll(store, blocks);
      store.sync();
      damage(offset(blocks, 4) + 60);
      List<BlockId> ids = blocks.stream().map(StoredBlock::id).toList();
      assertThrows(CorruptBlockException.class, () -> store.getAll(ids));
      assertFalse(store.contains(ids.get(4)));
      assertEquals(4, store.getAll(ids.subList(0, 4)).stream().flatMap(Optional::stream).count());
    }
  }

  @Test
  void aVerificationFindsEveryDamagedBlockAndWhatWasRestored() throws IOException {
    List<StoredBlock> blocks = blocks(10);
    try (PackStore store = PackStore.open(directory, index, 10)) {
      putAll(store, blocks);
    }
    byte[] whole = Files.readAllBytes(pack(1));
    damage(offset(blocks, 2) + 60);
    damage(offset(blocks, 7) + 3);
    try (PackStore store = open()) {
      assertEquals(2, store.verify(VerifyProgress.NONE).size());
      for (int i = 0; i < 10; i++) {
        assertEquals(i != 2 && i != 7, store.contains(blocks.get(i).id()), "block " + i);
      }
      Files.write(pack(1), whole);
      assertEquals(List.of(), store.verify(VerifyProgress.NONE));
      assertAllThere(store, blocks);
      assertTrue(store.contains(blocks.get(2).id()));
      Files.write(pack(1), Arrays.copyOf(whole, (int) offset(blocks, 6)));
      assertFalse(store.verify(VerifyProgress.NONE).isEmpty());
      assertTrue(store.contains(blocks.get(5).id()));
      assertFalse(store.contains(blocks.get(6).id()));
      assertFalse(store.contains(blocks.get(9).id()));
      putAll(store, blocks.subList(6, 10));
      assertAllThere(store, blocks);
    }
  }

  @Test
  void aSweepRemovesPacksThatAreMostlyDeadAndKeepsWhatIsNamed() throws IOException {
    List<StoredBlock> blocks = blocks(30);
    Set<BlockId> named = new HashSet<>();
    try (PackStore store = PackStore.open(directory, index, 10)) {
      putAll(store, blocks);
      // Pack 1: all dead; 2: half; 3: one of ten.
      blocks.subList(10, 15).forEach(block -> named.add(block.id()));
      blocks.subList(21, 30).forEach(block -> named.add(block.id()));
      PackSweep.Result result;
      try (PackSweep sweep = store.beginSweep()) {
        result = sweep.run(named::contains, VerifyProgress.NONE);
      }
      assertEquals(2, result.packs());
      assertTrue(result.freedBytes() > 0);
      for (int i = 0; i < 30; i++) {
        assertEquals(
            named.contains(blocks.get(i).id()) || i == 20, store.contains(blocks.get(i).id()));
      }
      assertFalse(Files.exists(pack(1)));
      assertFalse(Files.exists(pack(2)));
      assertEquals(List.of(), store.verify(VerifyProgress.NONE));
      assertEquals(15, store.statistics().blocks());
      assertTrue(store.put(blocks.get(0)), "what was swept is stored again");
    }
    assertTrue(Files.exists(pack(4)), "numbers are not used again");
    try (PackStore store = PackStore.open(directory, index, 10)) {
      assertAllThere(store, blocks.subList(10, 15));
      assertAllThere(store, blocks.subList(20, 30));
      assertEquals(16, store.statistics().blocks());
    }
  }

  @Test
  void aSweepSparesWhatIsAskedForOrStoredMeanwhile() throws IOException {
    List<StoredBlock> blocks = blocks(10);
    try (PackStore store = open()) {
      putAll(store, blocks);
      try (PackSweep sweep = store.beginSweep()) {
        assertTrue(store.contains(blocks.get(3).id()));
        assertFalse(store.put(blocks.get(4)));
        int[] asked = {0};
        PackSweep.Result result =
            sweep.run(
                id -> {
                  // The last moment: while the sweep looks at the very block.
                  if (id.equals(blocks.get(5).id()) && asked[0]++ == 0) {
                    assertTrue(uncheckedContains(store, id));
                  }
                  return false;
                },
                VerifyProgress.NONE);
        assertEquals(1, result.packs(), "the open one was sealed for it");
      }
      assertAllThere(store, blocks.subList(3, 6));
      assertFalse(store.contains(blocks.get(2).id()));
      assertEquals(3, store.statistics().blocks());
      assertEquals(List.of(), store.verify(VerifyProgress.NONE));
    }
  }

  private static boolean uncheckedContains(PackStore store, BlockId id) {
    try {
      return store.contains(id);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void aSweepThatIsCutShortBeforeTheFileGoesLosesNothing() throws IOException {
    List<StoredBlock> blocks = blocks(10);
    byte[] first;
    try (PackStore store = PackStore.open(directory, index, 10)) {
      putAll(store, blocks);
      first = Files.readAllBytes(pack(1));
      try (PackSweep sweep = store.beginSweep()) {
        sweep.run(id -> id.equals(blocks.get(9).id()), VerifyProgress.NONE);
      }
    }
    Files.write(pack(1), first); // as if the file's deletion had not reached the disk
    try (PackStore store = PackStore.open(directory, index, 10)) {
      assertAllThere(store, blocks);
      assertEquals(List.of(), store.verify(VerifyProgress.NONE));
    }
  }

  private void damage(long offset) throws IOException {
    byte[] bytes = Files.readAllBytes(pack(1));
    bytes[(int) offset] ^= 0x10;
    Files.write(pack(1), bytes);
  }

  /** A crash after the footer and before its row; and one within the footer. */
  @Test
  void aCrashWhileSealingIsCompletedOrUndone() throws IOException {
    List<StoredBlock> blocks = blocks(10);
    PackStore store = PackStore.open(directory, index, 10);
    putAll(store, blocks.subList(0, 9));
    store.sync();
    MemoryStore before = index.afterPowerCut();
    store.put(blocks.get(9));
    store.close();
    byte[] sealed = Files.readAllBytes(pack(1));
    int from = (int) offset(blocks, 9);
    for (int step = 0; step <= 40; step++) {
      int length = from + (sealed.length - from) * step / 40;
      Files.write(pack(1), Arrays.copyOf(sealed, length));
      index = before.afterPowerCut();
      try (PackStore survivor = open()) {
        int whole = length >= offset(blocks, 10) ? 10 : 9;
        assertAllThere(survivor, blocks.subList(0, whole));
        assertEquals(whole, survivor.statistics().blocks());
        assertEquals(List.of(), survivor.verify(VerifyProgress.NONE));
      }
    }
    assertArrayEquals(sealed, Files.readAllBytes(pack(1)), "completed");
  }

  @Test
  void aFlippedBitIsFoundAndNamed() throws IOException {
    List<StoredBlock> blocks = blocks(40);
    try (PackStore store = open()) {
      putAll(store, blocks);
    }
    byte[] good = Files.readAllBytes(pack(1));
    MemoryStore goodIndex = index.afterPowerCut();
    Random random = new Random(9);
    for (int round = 0; round < 40; round++) {
      byte[] bad = good.clone();
      int at = 16 + random.nextInt(good.length - 16);
      int victim = blockAt(blocks, at);
      bad[at] ^= (byte) (1 << random.nextInt(8));
      Files.write(pack(1), bad);
      index = goodIndex.afterPowerCut();
      try (PackStore store = open()) {
        List<BlockFault> faults = store.verify(VerifyProgress.NONE);
        assertEquals(1, faults.size(), () -> "offset " + at + ": " + faults);
        assertEquals(pack(1), faults.get(0).pack());
        assertEquals(offset(blocks, victim), faults.get(0).offsetBytes());
        assertEquals(1, faults.get(0).toString().lines().count());
        assertThrows(CorruptBlockException.class, () -> store.get(blocks.get(victim).id()));
        for (int i = 0; i < blocks.size(); i++) {
          if (i != victim) {
            assertTrue(store.get(blocks.get(i).id()).isPresent(), "the others are readable");
          }
        }
        assertTrue(store.put(block(500)), "and more can be stored");
        assertTrue(store.get(block(500).id()).isPresent());
      }
      Files.deleteIfExists(pack(2));
    }
  }

  @Test
  void aCutPackIsFoundAndWhatStaysIsReadable() throws IOException {
    List<StoredBlock> blocks = blocks(20);
    try (PackStore store = open()) {
      putAll(store, blocks);
    }
    long cut = offset(blocks, 15) + 60;
    try (FileChannel channel = FileChannel.open(pack(1), StandardOpenOption.WRITE)) {
      channel.truncate(cut);
    }
    try (PackStore store = open()) {
      assertAllThere(store, blocks.subList(0, 15));
      CorruptBlockException e =
          assertThrows(CorruptBlockException.class, () -> store.get(blocks.get(17).id()));
      assertTrue(e.getMessage().contains(pack(1).toString()), e.getMessage());
      assertTrue(e.getMessage().contains("offset " + offset(blocks, 17)), e.getMessage());
      List<BlockFault> faults = store.verify(VerifyProgress.NONE);
      assertEquals(pack(1), faults.get(0).pack());
      assertEquals(cut, faults.get(0).offsetBytes());
      assertTrue(store.put(block(300)));
    }
    assertEquals(cut, Files.size(pack(1)), "nothing is appended to a damaged pack");
  }

  @Test
  void aMissingPackIsTold() throws IOException {
    try (PackStore store = open()) {
      store.put(block(1));
    }
    Files.delete(pack(1));
    try (PackStore store = open()) {
      assertTrue(
          assertThrows(CorruptBlockException.class, () -> store.get(block(1).id()))
              .getMessage()
              .contains("is missing"));
      assertEquals("the file is missing", store.verify(VerifyProgress.NONE).get(0).what());
      assertTrue(store.put(block(2)));
      assertTrue(Files.exists(pack(2)), "numbers are not used again");
    }
  }

  @Test
  void aNewerFormatIsRefused() throws IOException {
    try (PackStore store = open()) {
      store.put(block(1));
    }
    byte[] bytes = Files.readAllBytes(pack(1));
    ByteBuffer header = ByteBuffer.wrap(bytes);
    header.putShort(4, (short) 2);
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, 12);
    header.putInt(12, (int) crc.getValue());
    Files.write(pack(1), bytes);
    IOException e = assertThrows(IOException.class, this::open);
    assertTrue(e.getMessage().contains("format version 2"), e.getMessage());
    assertArrayEquals(bytes, Files.readAllBytes(pack(1)), "left as it is");
  }

  @Test
  void aContentThatIsNotItsIdsIsFoundByVerify() throws IOException {
    StoredBlock block = block(1);
    try (PackStore store = open()) {
      store.put(new StoredBlock(block(2).id(), block.codec(), block.rawBytes(), block.payload()));
      store.sync();
      List<BlockFault> faults = store.verify(VerifyProgress.NONE);
      assertEquals(1, faults.size());
      assertEquals(block(2).id(), faults.get(0).id());
    }
  }

  @Test
  void manyThreadsPutGetAndSync() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    AtomicInteger stored = new AtomicInteger();
    try (PackStore store = open()) {
      List<Callable<Void>> tasks = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        int seed = thread;
        tasks.add(
            () -> {
              Random random = new Random(seed);
              for (int i = 0; i < 400; i++) {
                int which = random.nextInt(300);
                if (store.put(block(which))) {
                  stored.incrementAndGet();
                }
                StoredBlock back = store.get(block(which).id()).orElseThrow();
                assertArrayEquals(content(which), BlockCodec.decodeVerified(back));
                if (i % 50 == 0) {
                  store.sync();
                }
              }
              return null;
            });
      }
      for (Future<Void> result : pool.invokeAll(tasks)) {
        result.get();
      }
      assertEquals(stored.get(), store.statistics().blocks(), "each block was new once");
      store.sync();
      assertEquals(List.of(), store.verify(VerifyProgress.NONE));
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void anInterruptHarmsNobody() throws IOException {
    try (PackStore store = open()) {
      store.put(block(1));
      Thread.currentThread().interrupt();
      assertTrue(store.get(block(1).id()).isPresent());
      assertTrue(store.put(block(2)));
      store.sync();
      assertTrue(Thread.interrupted(), "the interrupt is kept");
      assertAllThere(store, List.of(block(1), block(2)));
    }
  }

  @Test
  void progressReachesTheEnd() throws IOException {
    try (PackStore store = open()) {
      putAll(store, blocks(5));
      store.sync();
      long[] last = new long[2];
      store.verify(
          (done, total) -> {
            last[0] = done;
            last[1] = total;
          });
      assertTrue(last[1] > 0);
      assertEquals(last[1], last[0]);
    }
  }

  @Test
  void aClosedStoreRefuses() throws IOException {
    PackStore store = open();
    store.put(block(1));
    store.close();
    store.close();
    assertThrows(IllegalStateException.class, () -> store.get(block(1).id()));
    assertThrows(IllegalStateException.class, () -> store.put(block(2)));
  }

  private PackStore open() throws IOException {
    return open(index);
  }

  private PackStore open(KeyValueStore indexStore) throws IOException {
    return PackStore.open(directory, indexStore);
  }

  private long packCount() throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve("packs"))) {
      return files.count();
    }
  }

  private Path pack(int number) {
    return directory.resolve("packs").resolve(String.format("%08d.pack", number));
  }

  private static void putAll(PackStore store, List<StoredBlock> blocks) throws IOException {
    for (StoredBlock block : blocks) {
      store.put(block);
    }
  }

  private static void assertAllThere(PackStore store, List<StoredBlock> blocks) throws IOException {
    for (StoredBlock block : blocks) {
      StoredBlock back = store.get(block.id()).orElseThrow();
      assertEquals(block, back);
    }
  }

  private static BlockStatistics statistics(List<StoredBlock> blocks) {
    return new BlockStatistics(
        blocks.size(),
        blocks.stream().mapToLong(block -> block.payload().remaining()).sum(),
        blocks.stream().mapToLong(StoredBlock::rawBytes).sum());
  }

  private static long offset(List<StoredBlock> blocks, int index) {
    long offset = 16;
    for (StoredBlock block : blocks.subList(0, index)) {
      offset += 56 + block.payload().remaining();
    }
    return offset;
  }

  private static int blockAt(List<StoredBlock> blocks, long offset) {
    int index = 0;
    while (index + 1 < blocks.size() && offset(blocks, index + 1) <= offset) {
      index++;
    }
    return index;
  }

  private List<StoredBlock> blocks(int count) {
    List<StoredBlock> blocks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      blocks.add(block(i));
    }
    return blocks;
  }

  private StoredBlock block(int which) {
    return codec.encode(ByteBuffer.wrap(content(which)));
  }

  /** Half of it compresses. */
  private static byte[] content(int which) {
    Random random = new Random(which);
    byte[] content = new byte[1 + random.nextInt(3000)];
    byte[] noise = new byte[content.length / 2];
    random.nextBytes(noise);
    System.arraycopy(noise, 0, content, 0, noise.length);
    return content;
  }
}
