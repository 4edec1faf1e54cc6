package io.mapfs.node.cache;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.LeafHashes;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The blocks on the machine's own disk. Whatever the disk does wrong is a block that is not here.
 *
 * <p>Reads take no lock but an index shard's. Appends are serialized by {@code appendLock}. When
 * the files would outgrow the limit, the segment that was used longest ago goes, whole; of its
 * blocks those that were read from it since they were written there are copied on, up to a quarter
 * of a segment.
 */
final class SegmentStore implements Closeable {
  static final FileAttribute<?> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private static final Logger LOG = LoggerFactory.getLogger(SegmentStore.class);
  private static final Pattern FILE_NAME = Pattern.compile("cache-(\\d{4,7})\\.seg");
  private static final FileAttribute<?> OWNER_ONLY_DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  /** Files are a 64th of the cache: few enough to keep open, small enough to evict whole. */
  private static final int SEGMENTS_WANTED = 64;

  private static final long SEGMENT_BYTES_MIN = 1 << 20;

  /** Entries are gathered here and written with one call. */
  private static final int STAGING_BYTES = 1 << 20;

  /** Index heap is bounded as if no block were smaller than this. */
  private static final int BLOCK_BYTES_AVERAGE_MIN = 4096;

  private static final int LEAF_LISTS = 8192;

  /**
   * What is read from the disk, without being waited for, behind the start of a block that is read
   * for the first time: a disk gives a few blocks in a row as fast as two pages here and there.
   */
  private static final int READ_AROUND_BYTES = 512 << 10;

  /** After a failed write the disk is left alone for a while. */
  private static final long RETRY_NANOS = 30_000_000_000L;

  private static final ThreadLocal<byte[]> SCRATCH =
      ThreadLocal.withInitial(() -> new byte[BlockId.BLOCK_BYTES]);

  private final Path directory;
  private final long limitBytes;
  private final long segmentBytes;
  private final int blocksMax;
  private final CacheCounters counters;
  private final FileChannel lockFile;
  private final BlockIndex index = new BlockIndex();
  private final LeafHashCache leafHashes = new LeafHashCache(LEAF_LISTS);
  private final Map<Integer, Segment> segments = new ConcurrentHashMap<>();
  private final AtomicLong useClock = new AtomicLong();
  private volatile Segment lastUsed;

  private final ReentrantLock appendLock = new ReentrantLock();

  // Guarded by appendLock, all of these.
  private final ByteBuffer staging = ByteBuffer.allocateDirect(STAGING_BYTES);
  private final long[] stagedRows = new long[2 * (STAGING_BYTES / Segment.entryBytes(1) + 1)];
  private int staged;
  private Segment active;
  private long[] activeRows = new long[64];
  private int activeCount;
  private long retryAtNanos;
  private boolean failing;
  private boolean closed;

  private SegmentStore(Path directory, long limitBytes, CacheCounters counters, FileChannel lock) {
    this.directory = directory;
    this.limitBytes = limitBytes;
    this.segmentBytes =
        Math.max(SEGMENT_BYTES_MIN, Math.min(limitBytes / SEGMENTS_WANTED, Segment.BYTES_MAX));
    this.blocksMax = (int) Math.min(limitBytes / BLOCK_BYTES_AVERAGE_MIN, Integer.MAX_VALUE / 4);
    this.counters = counters;
    this.lockFile = lock;
  }

  /**
   * Opens the cache in a directory, which is made if it is missing.
   *
   * @throws IOException if it cannot be used, is another daemon's, or was written by a newer
   *     release
   */
  static SegmentStore open(Path directory, long limitBytes, CacheCounters counters)
      throws IOException {
    if (!Files.isDirectory(directory)) {
      Files.createDirectories(directory, OWNER_ONLY_DIRECTORY);
    }
    FileChannel lock =
        FileChannel.open(
            directory.resolve("lock"),
            Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE),
            OWNER_ONLY);
    SegmentStore store = new SegmentStore(directory, limitBytes, counters, lock);
    boolean opened = false;
    try {
      FileLock held = tryLock(lock);
      if (held == null) {
        throw new IOException(
            "the block cache "
                + directory
                + " is in use by another daemon; name another directory");
      }
      store.load();
      opened = true;
      return store;
    } finally {
      if (!opened) {
        for (Segment segment : store.segments.values()) {
          segment.close();
        }
        lock.close();
      }
    }
  }

  private static FileLock tryLock(FileChannel lock) throws IOException {
    try {
      return lock.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  boolean contains(BlockId id) {
    return index.contains(id.a());
  }

  int blocks() {
    return index.size();
  }

  /** Bytes of all files, the index at the end of each left out. */
  long usedBytes() {
    long bytes = 0;
    for (Segment segment : segments.values()) {
      bytes += segment.endBytes();
    }
    return bytes;
  }

  /**
   * Reads verified bytes of a block.
   *
   * @return false if they are not here; then the target is as it was
   */
  boolean read(BlockId id, int offsetBytes, ByteBuffer target) {
    long location = index.use(id.a());
    if (location == BlockIndex.NONE) {
      return false;
    }
    Segment segment = segments.get(Location.segment(location));
    if (segment == null) {
      return false;
    }
    int rawBytes = Location.rawBytes(location);
    int endBytes = offsetBytes + target.remaining();
    if (endBytes > rawBytes) {
      return false;
    }
    if (segment != lastUsed) {
      lastUsed = segment;
      segment.used(useClock.incrementAndGet());
    }
    try {
      // Whole leaves, because only they can be verified.
      int firstLeaf = offsetBytes / BlockId.LEAF_BYTES;
      int start = firstLeaf * BlockId.LEAF_BYTES;
      int length = Math.min(rawBytes, LeafHashes.count(endBytes) * BlockId.LEAF_BYTES) - start;
      byte[] scratch = SCRATCH.get();
      byte[] leaves = leafHashes.get(id);
      long content = Location.offsetBytes(location) + Segment.contentOffset(rawBytes) + start;
      if (leaves == null) {
        // The disk gets to know all of it before anything is waited for.
        segment.willNeed(content, length);
        leaves = readLeaves(segment, location, id);
        if (leaves == null) {
          return false;
        }
        leafHashes.put(id, leaves);
      }
      if (!segment.read(content, scratch, length)
          || !LeafHashes.verify(leaves, firstLeaf, scratch, 0, length)) {
        drop(segment, location, id, null);
        return false;
      }
      target.put(scratch, offsetBytes - start, target.remaining());
      return true;
    } catch (ClosedChannelException e) {
      // Evicted meanwhile, or an interrupted thread closed the channel under this read.
      return false;
    } catch (IOException e) {
      drop(segment, location, id, e);
      return false;
    }
  }

  /** The verified leaf hashes; {@code null} if the entry is another block's, or was dropped. */
  private byte[] readLeaves(Segment segment, long location, BlockId id) throws IOException {
    int rawBytes = Location.rawBytes(location);
    byte[] entry = new byte[Segment.contentOffset(rawBytes)];
    long offset = Location.offsetBytes(location);
    segment.willNeed(offset, entry.length);
    segment.willNeed(offset, READ_AROUND_BYTES);
    BlockId found =
        segment.read(offset, entry, entry.length) ? Segment.entryId(entry, rawBytes) : null;
    if (found != null && !found.equals(id)) {
      return null;
    }
    byte[] leaves = Arrays.copyOfRange(entry, Segment.ENTRY_HEADER_BYTES, entry.length);
    if (found == null || !LeafHashes.id(leaves).equals(id)) {
      drop(segment, location, id, null);
      return null;
    }
    return leaves;
  }

  private void drop(Segment segment, long location, BlockId id, IOException cause) {
    index.remove(id.a(), location);
    if (counters.corruptCached.getAndIncrement() == 0) {
      LOG.warn(
          "block {} in {} at {} is damaged and is fetched again; if `mapfs status` counts more,"
              + " check the disk{}",
          id,
          segment.file(),
          Location.offsetBytes(location),
          cause == null ? "" : " (" + cause + ")");
    }
  }

  /**
   * Adds blocks that are not here yet. Fails silently but for one warning: a cache that cannot be
   * written is a smaller cache.
   */
  void append(Iterable<VerifiedBlock> blocks) {
    appendLock.lock();
    try {
      if (closed || (failing && System.nanoTime() - retryAtNanos < 0)) {
        return;
      }
      try {
        for (VerifiedBlock block : blocks) {
          if (!index.contains(block.id().a())) {
            stageLocked(block);
          }
        }
        flushLocked();
        if (failing) {
          failing = false;
          LOG.info("the block cache {} can be written again", directory);
        }
      } catch (IOException e) {
        writeFailedLocked(e);
      }
    } finally {
      appendLock.unlock();
    }
  }

  private void writeFailedLocked(IOException cause) {
    staging.clear();
    staged = 0;
    retryAtNanos = System.nanoTime() + RETRY_NANOS;
    counters.writeFailures.increment();
    if (!failing) {
      failing = true;
      LOG.warn(
          "the block cache {} cannot be written, blocks are served without it; free space there or"
              + " make the cache smaller ({})",
          directory,
          cause.toString());
    }
    try {
      if (active != null) {
        active.cutTail();
      }
    } catch (IOException e) {
      // The tail lies behind the last indexed entry and is overwritten or ignored.
      cause.addSuppressed(e);
    }
  }

  private void stageLocked(VerifiedBlock block) throws IOException {
    int bytes = Segment.entryBytes(block.content().length);
    if (staging.remaining() < bytes) {
      flushLocked();
    }
    if (active == null
        || active.endBytes() + staging.position() + bytes > segmentBytes
        || activeCount + staged >= Segment.ENTRIES_MAX) {
      flushLocked();
      rollLocked();
    }
    long offset = active.endBytes() + staging.position();
    Segment.encode(block, staging);
    addStagedLocked(block.id().a(), Location.of(active.number(), offset, block.content().length));
  }

  private void addStagedLocked(long prefix, long location) {
    stagedRows[2 * staged] = prefix;
    stagedRows[2 * staged + 1] = location;
    staged++;
  }

  private void flushLocked() throws IOException {
    if (staged == 0) {
      return;
    }
    active.append(staging.flip());
    staging.clear();
    for (int i = 0; i < staged; i++) {
      addRowLocked(stagedRows[2 * i], stagedRows[2 * i + 1]);
      index.put(stagedRows[2 * i], stagedRows[2 * i + 1]);
    }
    staged = 0;
  }

  private void addRowLocked(long prefix, long location) {
    if (activeRows.length == 2 * activeCount) {
      activeRows = Arrays.copyOf(activeRows, 2 * activeRows.length);
    }
    activeRows[2 * activeCount] = prefix;
    activeRows[2 * activeCount + 1] = location;
    activeCount++;
  }

  /** Seals the active segment, opens the next and makes room for it to grow. */
  private void rollLocked() throws IOException {
    Segment full = active;
    active = null;
    try {
      if (full != null) {
        full.seal(activeRows, activeCount);
      }
    } finally {
      activeRows = new long[64];
      activeCount = 0;
    }
    activateLocked();
    makeRoomLocked();
  }

  private void activateLocked() throws IOException {
    int number = freeNumberLocked();
    active = Segment.create(fileOf(number), number);
    active.used(useClock.incrementAndGet());
    segments.put(number, active);
  }

  private int freeNumberLocked() {
    int number = segments.keySet().stream().mapToInt(i -> i).max().orElse(0);
    do {
      number = number >= Location.SEGMENT_MAX ? 1 : number + 1;
    } while (segments.containsKey(number));
    return number;
  }

  private Path fileOf(int number) {
    return directory.resolve(String.format("cache-%04d.seg", number));
  }

  /** Evicts until the active segment can be filled within the limits. */
  private void makeRoomLocked() throws IOException {
    while (segments.size() > 1
        && (usedBytes() - active.endBytes() + segmentBytes + indexBytes() > limitBytes
            || index.size() > blocksMax - blocksMax / SEGMENTS_WANTED)) {
      Segment oldest =
          segments.values().stream()
              .filter(segment -> segment != active)
              .min(Comparator.comparingLong(Segment::lastUse))
              .orElseThrow();
      copyReusedLocked(oldest);
      index.removeSegment(oldest.number());
      segments.remove(oldest.number());
      oldest.delete();
      counters.evictedSegments.increment();
    }
  }

  /** What the indexes at the ends of the files take, at most. */
  private long indexBytes() {
    return 16L * (index.size() + segmentBytes / BLOCK_BYTES_AVERAGE_MIN) + 64L * segments.size();
  }

  /** Copies blocks that proved useful to the active segment: up to a quarter of one. */
  private void copyReusedLocked(Segment from) throws IOException {
    NavigableMap<Long, Long> reused = new TreeMap<>();
    index.forEach(
        (prefix, location) -> {
          if (Location.segment(location) == from.number() && (location & Location.REUSED) != 0) {
            reused.put(location, prefix);
          }
        });
    long left = segmentBytes / 4;
    byte[] entry = new byte[Segment.entryBytes(BlockId.BLOCK_BYTES)];
    for (Map.Entry<Long, Long> row : reused.entrySet()) {
      int rawBytes = Location.rawBytes(row.getKey());
      int bytes = Segment.entryBytes(rawBytes);
      left -= bytes;
      if (left < 0 || active.endBytes() + staging.position() + bytes > segmentBytes) {
        break;
      }
      // Unverified: whoever reads it verifies it.
      if (from.read(Location.offsetBytes(row.getKey()), entry, bytes)) {
        if (staging.remaining() < bytes) {
          flushLocked();
        }
        long offset = active.endBytes() + staging.position();
        staging.put(entry, 0, bytes);
        addStagedLocked(row.getValue(), Location.of(active.number(), offset, rawBytes));
      }
    }
    flushLocked();
  }

  private void load() throws IOException {
    NavigableMap<Integer, Path> files = new TreeMap<>();
    try (DirectoryStream<Path> listing = Files.newDirectoryStream(directory)) {
      for (Path file : listing) {
        Matcher name = FILE_NAME.matcher(file.getFileName().toString());
        if (name.matches() && Integer.parseInt(name.group(1)) <= Location.SEGMENT_MAX) {
          files.put(Integer.parseInt(name.group(1)), file);
        }
      }
    }
    appendLock.lock();
    try {
      for (Map.Entry<Integer, Path> entry : files.entrySet()) {
        boolean newest = entry.getKey().equals(files.lastKey());
        Segment segment =
            Segment.open(
                entry.getValue(),
                entry.getKey(),
                (prefix, location) -> {
                  index.put(prefix, location);
                  if (newest) {
                    addRowLocked(prefix, location);
                  }
                });
        if (segment == null) {
          LOG.warn("{} is no block cache file any more and is deleted", entry.getValue());
          Files.delete(entry.getValue());
          continue;
        }
        segment.used(useClock.incrementAndGet());
        segments.put(entry.getKey(), segment);
        if (newest) {
          active = segment;
          active.cutTail();
        }
      }
      if (active == null || active.endBytes() > segmentBytes / 2) {
        rollLocked();
      } else {
        makeRoomLocked();
      }
    } catch (FileSystemException e) {
      // A disk that is full, most likely; what was read so far serves.
      writeFailedLocked(e);
    } finally {
      appendLock.unlock();
    }
  }

  @Override
  public void close() throws IOException {
    appendLock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      if (active != null) {
        active.seal(activeRows, activeCount);
      }
    } finally {
      for (Segment segment : segments.values()) {
        segment.close();
      }
      lockFile.close();
      appendLock.unlock();
    }
  }
}
