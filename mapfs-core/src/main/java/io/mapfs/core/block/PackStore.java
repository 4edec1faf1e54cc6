package io.mapfs.core.block;

import io.mapfs.core.kv.DamagedStoreException;
import io.mapfs.core.kv.KeyValueStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Blocks in append-only pack files, found by an index in a {@link KeyValueStore}.
 *
 * <p>{@link #put} appends to the one open pack; {@link #sync} makes the pack durable and then its
 * index rows, so that the index never names what a crash could take. Full packs are sealed with an
 * index of their own and never change again; a lost index is made again from the packs at opening.
 */
public final class PackStore implements BlockStore {
  /** The tables that the index needs. */
  public static final List<String> TABLES =
      List.of(PackIndex.BLOCKS, PackIndex.PACKS, PackIndex.DAMAGED);

  /** Blocks that may wait for {@link #sync}; one more put syncs by itself. */
  private static final int PENDING_MAX = 1 << 16;

  private static final Pattern PACK_NAME = Pattern.compile("(\\d{8})\\.pack");

  private final Path directory;
  private final int sealBlocks;
  private final OpenPacks packs;
  private final PackIndex index;
  private final DamagedBlocks damaged;

  /** Appended, not yet in the durable index. */
  private final Map<BlockId, PackLocation> pending = new ConcurrentHashMap<>();

  private final ReentrantLock syncLock = new ReentrantLock();
  private final ReentrantLock appendLock = new ReentrantLock();

  /** Changed under the append lock. */
  private volatile ActivePack active;

  /** Highest number that a pack has had. Protected by the append lock. */
  private int lastNumber;

  /** Changed under the append lock. */
  private volatile BlockStatistics statistics = BlockStatistics.NONE;

  /** Rises when blocks go from {@link #pending} to the index. */
  private final AtomicLong indexGeneration = new AtomicLong();

  /** Held for writing while blocks are removed, for reading while one is said to be here. */
  private final ReentrantReadWriteLock presence = new ReentrantReadWriteLock();

  /** What was stored or said to be here since a sweep began; {@code null} while there is none. */
  private volatile Set<BlockId> touched;

  /** Held by whoever walks over all packs. */
  private final Semaphore maintenance = new Semaphore(1);

  private volatile boolean closed;

  private PackStore(Path directory, KeyValueStore indexStore, int sealBlocks) throws IOException {
    this.directory = directory;
    this.sealBlocks = sealBlocks;
    this.packs = new OpenPacks(directory);
    this.index = new PackIndex(indexStore);
    this.damaged = new DamagedBlocks(index);
  }

  /**
   * Opens the packs below {@code directory/packs}, or makes the first one.
   *
   * @param indexStore has {@link #TABLES}; stays the caller's, who closes it after this store
   * @throws IOException if a pack has a newer format, or the disk fails
   */
  public static PackStore open(Path directory, KeyValueStore indexStore) throws IOException {
    return open(directory, indexStore, PackFormat.SEAL_BLOCKS);
  }

  /** Opens a store that seals a pack at so many blocks. */
  static PackStore open(Path directory, KeyValueStore indexStore, int sealBlocks)
      throws IOException {
    Path packDirectory = Files.createDirectories(directory.resolve("packs"));
    PackStore store = new PackStore(packDirectory, indexStore, sealBlocks);
    store.recover();
    return store;
  }

  private void recover() throws IOException {
    SortedMap<Integer, PackRow> rows = index.packs();
    SortedSet<Integer> numbers = packNumbers();
    PackRecovery recovery = new PackRecovery(directory, packs, index);
    for (int number : numbers) {
      ActivePack appendable = recovery.recover(number, rows.get(number));
      if (active != null && appendable != null) {
        sealActiveLocked();
      }
      if (appendable != null) {
        active = appendable;
      }
    }
    rows = index.packs();
    for (PackRow row : rows.values()) {
      statistics = statistics.plus(row.statistics());
    }
    lastNumber =
        Math.max(numbers.isEmpty() ? 0 : numbers.last(), rows.isEmpty() ? 0 : rows.lastKey());
  }

  private SortedSet<Integer> packNumbers() throws IOException {
    SortedSet<Integer> numbers = new TreeSet<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        Matcher name = PACK_NAME.matcher(file.getFileName().toString());
        if (name.matches()) {
          numbers.add(Integer.parseInt(name.group(1)));
        }
      }
    }
    return numbers;
  }

  @Override
  public boolean contains(BlockId id) throws IOException {
    presence.readLock().lock();
    try {
      return isPresent(id, locate(id));
    } finally {
      presence.readLock().unlock();
    }
  }

  /** The caller holds {@link #presence}. */
  private boolean isPresent(BlockId id, PackLocation location) {
    boolean whole = isWhole(id, location);
    if (whole) {
      note(id);
    }
    return whole;
  }

  /** From now on the block may be named: no sweep takes it. */
  private void note(BlockId id) {
    Set<BlockId> noted = touched;
    if (noted != null) {
      noted.add(id);
    }
  }

  private boolean isWhole(BlockId id, PackLocation location) {
    return location != null && !damaged.contains(id, location);
  }

  private PackLocation locate(BlockId id) throws IOException {
    requireOpen();
    PackLocation location = pending.get(id);
    return location == null ? index.get(id) : location;
  }

  @Override
  public Optional<StoredBlock> get(BlockId id) throws IOException {
    PackLocation location = locate(id);
    ByteBuffer record = null;
    while (record == null) {
      if (location == null) {
        return Optional.empty();
      }
      record = read(location, location.recordBytes());
      PackLocation now = record == null ? locate(id) : location;
      if (record == null && location.equals(now)) {
        damaged.add(id, location);
        throw new CorruptBlockException(
            "pack "
                + packs.path(location.pack())
                + " is missing; import its content again, or restore the pack from a copy");
      }
      location = now;
    }
    StoredBlock block = record.limit() == location.recordBytes() ? PackRecord.decode(record) : null;
    if (block == null || !block.id().equals(id)) {
      damaged.add(id, location);
      throw new CorruptBlockException(
          new BlockFault(
                  packs.path(location.pack()),
                  location.offsetBytes(),
                  id,
                  "the block there is not what was written")
              + "; import its content again, or restore the pack from a copy");
    }
    return Optional.of(block);
  }

  @Override
  public List<Optional<StoredBlock>> getAll(List<BlockId> ids) throws IOException {
    List<PackLocation> locations = new ArrayList<>(ids.size());
    for (BlockId id : ids) {
      locations.add(locate(id));
    }
    List<Optional<StoredBlock>> blocks = new ArrayList<>(ids.size());
    for (PackRun run : PackRun.of(locations)) {
      int end = run.first() + run.count();
      List<BlockId> wanted = ids.subList(run.first(), end);
      List<PackLocation> places = locations.subList(run.first(), end);
      List<StoredBlock> found = places.get(0) == null ? null : readRun(wanted, places, run.bytes());
      for (int i = 0; i < run.count(); i++) {
        // One by one, those that moved meanwhile are found, and those damaged are told.
        blocks.add(found == null ? get(wanted.get(i)) : Optional.of(found.get(i)));
      }
    }
    return blocks;
  }

  /** The blocks whose records lie there, one after the other; {@code null} if they do not. */
  private List<StoredBlock> readRun(List<BlockId> ids, List<PackLocation> places, int bytes)
      throws IOException {
    ByteBuffer records = read(places.get(0), bytes);
    if (records == null || records.limit() != bytes) {
      return null;
    }
    List<StoredBlock> blocks = new ArrayList<>(ids.size());
    int at = 0;
    for (int i = 0; i < ids.size(); i++) {
      int length = places.get(i).recordBytes();
      StoredBlock block = PackRecord.decode(records.slice(at, length));
      if (block == null || !block.id().equals(ids.get(i))) {
        return null;
      }
      blocks.add(block);
      at += length;
    }
    return blocks;
  }

  /** The bytes from there on; {@code null} if there is no such pack any more. */
  private ByteBuffer read(PackLocation location, int bytes) throws IOException {
    ByteBuffer target = ByteBuffer.allocate(bytes);
    while (true) {
      requireOpen();
      ActivePack appending = active;
      try {
        PackFile file =
            appending != null && appending.file().number() == location.pack()
                ? appending.file()
                : packs.get(location.pack());
        return file.read(target.clear(), location.offsetBytes());
      } catch (ClosedChannelException e) {
        // The file was evicted or sealed meanwhile: the next turn opens it anew.
      } catch (NoSuchFileException e) {
        return null;
      }
    }
  }

  @Override
  public boolean put(StoredBlock block) throws IOException {
    long generation = indexGeneration.get();
    if (contains(block.id())) {
      return false;
    }
    ByteBuffer record = PackRecord.encode(block);
    presence.readLock().lock();
    try {
      if (!appendUnlessPresent(block, record, generation)) {
        return false;
      }
    } finally {
      presence.readLock().unlock();
    }
    settle();
    return true;
  }

  private boolean appendUnlessPresent(StoredBlock block, ByteBuffer record, long generation)
      throws IOException {
    appendLock.lock();
    try {
      // Another thread may have stored it since; it is then pending, unless a sync came between.
      PackLocation stored = pending.get(block.id());
      if (stored == null && generation != indexGeneration.get()) {
        stored = index.get(block.id());
      }
      if (isPresent(block.id(), stored)) {
        return false;
      }
      appendLocked(block, record);
      note(block.id());
      return true;
    } finally {
      appendLock.unlock();
    }
  }

  /** Stores a block whether or not it is here: its place is to become another. */
  void append(StoredBlock block) throws IOException {
    ByteBuffer record = PackRecord.encode(block);
    appendLock.lock();
    try {
      appendLocked(block, record);
    } finally {
      appendLock.unlock();
    }
    settle();
  }

  private void appendLocked(StoredBlock block, ByteBuffer record) throws IOException {
    requireOpen();
    if (active == null) {
      active = createLocked();
    }
    PackLocation location = active.append(block, record);
    pending.put(block.id(), location);
    statistics = statistics.plusBlock(location.storedBytes(), location.rawBytes());
  }

  /** Bounds what waits for a sync, and the open pack. */
  private void settle() throws IOException {
    ActivePack appended = active;
    if (appended != null && appended.isFull(sealBlocks)) {
      sealIfFull();
    } else if (pending.size() >= PENDING_MAX) {
      sync();
    }
  }

  @Override
  public void sync() throws IOException {
    syncLock.lock();
    try {
      syncLocked();
    } finally {
      syncLock.unlock();
    }
  }

  /** The caller holds the sync lock: one sync at a time; others find their work done. */
  private void syncLocked() throws IOException {
    ActivePack syncing;
    List<PackFooter.Entry> entries;
    PackRow row;
    appendLock.lock();
    try {
      requireOpen();
      syncing = active;
      if (syncing == null || pending.isEmpty()) {
        return;
      }
      entries = syncing.unindexed();
      row = syncing.row(PackRow.OPEN);
    } finally {
      appendLock.unlock();
    }
    // Blocks may be appended meanwhile: they are the next sync's.
    syncing.force();
    index.write(entries, syncing.file().number(), row);
    appendLock.lock();
    try {
      indexedLocked(syncing, entries);
    } finally {
      appendLock.unlock();
    }
  }

  /** Syncs first, so that appending waits for little more than the footer. */
  private void sealIfFull() throws IOException {
    syncLock.lock();
    try {
      ActivePack candidate = active;
      if (candidate == null || !candidate.isFull(sealBlocks)) {
        return;
      }
      syncLocked();
      appendLock.lock();
      try {
        sealActiveLocked();
      } finally {
        appendLock.unlock();
      }
    } finally {
      syncLock.unlock();
    }
  }

  /** What the store holds, blocks that are not yet durable included. */
  public BlockStatistics statistics() {
    return statistics;
  }

  /**
   * Reads every block that was synced, and compares checksum and hash. Blocks may be read and
   * stored meanwhile.
   *
   * @return what is damaged; empty if nothing is
   * @throws IOException if the disk cannot be read
   */
  public List<BlockFault> verify(VerifyProgress progress) throws IOException {
    requireOpen();
    maintenance.acquireUninterruptibly();
    try {
      return new PackVerification(packs, index, damaged, progress).run();
    } finally {
      maintenance.release();
    }
  }

  /**
   * Reads all of the index and compares checksums.
   *
   * @throws DamagedStoreException if it is damaged
   */
  public void verifyIndex() throws IOException {
    requireOpen();
    index.verify();
  }

  // ---- sweeping ----

  /** Begins a sweep; one at a time, and none beside a verification. */
  public PackSweep beginSweep() {
    requireOpen();
    maintenance.acquireUninterruptibly();
    Set<BlockId> noted = ConcurrentHashMap.newKeySet();
    touched = noted;
    return new PackSweep(this, packs, index, noted);
  }

  void endSweep() {
    touched = null;
    maintenance.release();
  }

  /** What a sweep thinks of the open pack. */
  interface SealDecision {
    boolean isToBeSealed(List<PackFooter.Entry> entries) throws IOException;
  }

  /**
   * Seals the open pack, although it is not full, if it is decided so. One is open afterwards: its
   * number is the highest ever, so that those of packs that go are not given again.
   */
  void sealIf(SealDecision decision) throws IOException {
    syncLock.lock();
    try {
      syncLocked();
      appendLock.lock();
      try {
        if (active != null
            && active.unindexed().isEmpty()
            && decision.isToBeSealed(active.entries())) {
          sealActiveLocked();
        }
        if (active == null) {
          active = createLocked();
        }
      } finally {
        appendLock.unlock();
      }
    } finally {
      syncLock.unlock();
    }
  }

  /**
   * Forgets a pack and its dead blocks, unless one of these is wanted after all.
   *
   * @return whether it did
   */
  boolean removeUnless(int pack, PackRow row, List<BlockId> dead, Predicate<BlockId> wanted)
      throws IOException {
    presence.writeLock().lock();
    try {
      if (dead.stream().anyMatch(wanted)) {
        return false;
      }
      index.remove(pack, dead);
      dead.forEach(damaged::forget);
    } finally {
      presence.writeLock().unlock();
    }
    appendLock.lock();
    try {
      statistics = statistics.minus(row.statistics());
    } finally {
      appendLock.unlock();
    }
    return true;
  }

  /** Syncs and closes; not the index, which is the caller's. A second call does nothing. */
  @Override
  public void close() throws IOException {
    syncLock.lock();
    try {
      if (!closed) {
        try {
          syncLocked();
        } finally {
          closeFiles();
        }
      }
    } finally {
      syncLock.unlock();
    }
  }

  private void closeFiles() throws IOException {
    appendLock.lock();
    try {
      closed = true;
      if (active != null) {
        active.file().close();
      }
      packs.close();
    } finally {
      appendLock.unlock();
    }
  }

  private ActivePack createLocked() throws IOException {
    int number = lastNumber + 1;
    Path path = packs.path(number);
    PackFile file = null;
    try {
      file = PackFile.create(number, path);
      file.write(PackHeader.encode(number), 0);
      file.force();
      try (FileChannel parent = FileChannel.open(directory, StandardOpenOption.READ)) {
        parent.force(true);
      }
    } catch (IOException e) {
      if (file != null) {
        file.close();
        Files.deleteIfExists(path);
      }
      throw new IOException(
          "cannot make pack " + path + ": " + e.getMessage() + "; what was stored before is safe",
          e);
    }
    lastNumber = number;
    return new ActivePack(file, new ArrayList<>(), PackFormat.FILE_HEADER_BYTES);
  }

  /**
   * Footer, then the index: after a crash between them the footer tells. The caller holds the sync
   * lock too, or no sync would know which row of the pack is the last.
   */
  private void sealActiveLocked() throws IOException {
    ActivePack full = active;
    List<PackFooter.Entry> entries = full.unindexed();
    full.seal();
    index.write(entries, full.file().number(), full.row(PackRow.SEALED));
    indexedLocked(full, entries);
    active = null;
    full.file().close();
  }

  private void indexedLocked(ActivePack pack, List<PackFooter.Entry> entries) throws IOException {
    indexGeneration.incrementAndGet();
    for (PackFooter.Entry entry : entries) {
      pending.remove(entry.id(), entry.location());
      damaged.remove(entry.id());
    }
    pack.indexed(entries.size());
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the block store in " + directory + " is closed");
    }
  }
}
