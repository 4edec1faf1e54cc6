package io.mapfs.core.overlay;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.kv.KeyValueStore;
import io.mapfs.core.kv.MemoryStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The real disk, with faults: calls that fail when the test says so, and a power cut that takes
 * what was not synced, names of files included.
 */
final class FaultyFiles implements LocalFiles {
  /** What is made to fail. */
  enum Call {
    WRITE,
    SYNC,
    SYNC_DIRECTORY
  }

  private final PosixFiles disk = new PosixFiles();

  /** The index, if it is kept in the heap; {@code null} for a real one. */
  private MemoryStore heapIndex;

  private boolean skippingFlushes;
  private String failingPart;
  private Call failingCall;
  private Errno errno;
  private int failures;

  /** How often a fault struck. */
  private int struck;

  /** What each file has on disk; of files made here. */
  private final Map<Path, byte[]> synced = new HashMap<>();

  /** Names of the threads that closed page log segments. */
  final Set<String> closers = ConcurrentHashMap.newKeySet();

  /** Files whose name is not on disk yet. */
  private final Set<Path> unnamed = new HashSet<>();

  /**
   * Keeps the index in the heap: opened again, it has what was flushed and nothing else, as after
   * kill -9 (it has no log).
   */
  FaultyFiles withForgetfulIndex() {
    heapIndex = new MemoryStore(OverlayIndex.TABLES.toArray(String[]::new));
    return this;
  }

  /** Makes flushes of the index do nothing: a planted fault. */
  synchronized void skipFlushes(boolean skip) {
    skippingFlushes = skip;
  }

  private synchronized boolean isSkippingFlushes() {
    return skippingFlushes;
  }

  /**
   * Makes the next calls fail.
   *
   * @param part of the paths that are struck: "pages", "journal", "index"
   */
  synchronized void fail(String part, Call call, Errno with, int times) {
    failingPart = part;
    failingCall = call;
    errno = with;
    failures = times;
    struck = 0;
  }

  synchronized void heal() {
    failures = 0;
  }

  synchronized int struck() {
    return struck;
  }

  private synchronized void strike(Path path, Call call) throws FsException {
    if (failures > 0 && call == failingCall && path.toString().contains("/" + failingPart)) {
      failures--;
      struck++;
      throw new FsException(errno, "a fault at " + path);
    }
  }

  /** Leaves of the files what was synced. The overlay has stopped before. */
  synchronized void powerCut() throws IOException {
    for (Map.Entry<Path, byte[]> file : synced.entrySet()) {
      if (!Files.exists(file.getKey())) {
        continue;
      }
      if (unnamed.contains(file.getKey())) {
        Files.delete(file.getKey());
      } else {
        Files.write(file.getKey(), file.getValue());
      }
    }
  }

  @Override
  public LocalFile create(Path file) throws FsException {
    LocalFile made = disk.create(file);
    synchronized (this) {
      synced.put(file, new byte[0]);
      unnamed.add(file);
    }
    return new FaultyFile(file, made);
  }

  @Override
  public LocalFile open(Path file) throws FsException {
    return new FaultyFile(file, disk.open(file));
  }

  @Override
  public void syncDirectory(Path directory) throws FsException {
    strike(directory, Call.SYNC_DIRECTORY);
    disk.syncDirectory(directory);
    synchronized (this) {
      unnamed.removeIf(file -> file.getParent().equals(directory));
    }
  }

  @Override
  public KeyValueStore openIndex(Path directory) throws IOException {
    if (heapIndex == null) {
      return new FaultyStore(disk.openIndex(directory), directory);
    }
    heapIndex = heapIndex.afterPowerCut();
    return new FaultyStore(heapIndex, directory);
  }

  private final class FaultyFile implements LocalFile {
    private final Path path;
    private final LocalFile file;

    FaultyFile(Path path, LocalFile file) {
      this.path = path;
      this.file = file;
    }

    @Override
    public void write(ByteBuffer source, long position) throws FsException {
      strike(path, Call.WRITE);
      file.write(source, position);
    }

    @Override
    public int read(ByteBuffer target, long position) throws FsException {
      return file.read(target, position);
    }

    @Override
    public void sync() throws FsException {
      strike(path, Call.SYNC);
      try {
        byte[] now = Files.readAllBytes(path);
        synchronized (FaultyFiles.this) {
          synced.put(path, now);
        }
      } catch (IOException e) {
        throw new FsException(Errno.EIO, "the test cannot read " + path, e);
      }
      file.sync();
    }

    @Override
    public void truncate(long sizeBytes) throws FsException {
      file.truncate(sizeBytes);
    }

    @Override
    public long sizeBytes() throws FsException {
      return file.sizeBytes();
    }

    @Override
    public void close() {
      if (path.toString().contains("/pages")) {
        closers.add(Thread.currentThread().getName());
      }
      file.close();
    }
  }

  /** The index's database; its batches count as writes, its flushes as syncs. */
  private final class FaultyStore implements KeyValueStore {
    private final KeyValueStore store;
    private final Path path;

    FaultyStore(KeyValueStore store, Path path) {
      this.store = store;
      this.path = path;
    }

    private void strike(Call call) throws IOException {
      try {
        FaultyFiles.this.strike(path, call);
      } catch (FsException e) {
        throw new IOException(e.getMessage(), e);
      }
    }

    @Override
    public Table table(String name) {
      return store.table(name);
    }

    @Override
    public byte[] get(Table table, byte[] key) throws IOException {
      return store.get(table, key);
    }

    @Override
    public Cursor scan(Table table, byte[] from, byte[] to) throws IOException {
      return store.scan(table, from, to);
    }

    @Override
    public Batch batch() {
      return store.batch();
    }

    @Override
    public void write(Batch batch, boolean durable) throws IOException {
      strike(Call.WRITE);
      store.write(batch, durable);
    }

    @Override
    public void flush() throws IOException {
      strike(Call.SYNC);
      if (!isSkippingFlushes()) {
        store.flush();
      }
    }

    @Override
    public void verify() throws IOException {
      store.verify();
    }

    @Override
    public void close() throws IOException {
      store.close();
    }
  }
}
