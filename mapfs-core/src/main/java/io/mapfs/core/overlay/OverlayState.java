package io.mapfs.core.overlay;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.MalformedRecordException;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.journal.RecordLimits;
import io.mapfs.core.kv.DamagedStoreException;
import io.mapfs.core.kv.KeyValueStore;
import io.mapfs.core.kv.SetAside;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node's local copy of its overlay: index, page log and local journal in one directory. It is a
 * cache of what the appliance has, and the only place of what the appliance has not acknowledged.
 *
 * <p>How a mount uses it:
 *
 * <ol>
 *   <li>{@link #open}: recovers from a crash
 *   <li>{@link #tail}: what may not have reached the appliance; send it under the old epoch
 *   <li>{@link #isUsableAt}: whether the copy is the appliance's head; if not, {@link #load}
 *   <li>{@link #beginMount} with the new epoch, then {@link OverlayFileSystem#mount}
 * </ol>
 *
 * <p>After a power cut the page log may have lost pages that only the index names; the copy is then
 * of no use but for its tail, whose pages are verified. After the daemon alone died (same boot), it
 * is as good as after a clean close, because the kernel has kept what was written.
 *
 * <p>One thread at a time.
 */
public final class OverlayState implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(OverlayState.class);
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
  private static final String MARK = "mark";
  private static final String NUMBERS = "numbers";
  private static final String CLEAN = "clean";
  private static final int UNKNOWN_EPOCHS = 64;

  private final LocalFiles files;
  private final Path directory;
  private final OverlayIndex index;
  private final LocalJournal journal;
  private final PageLog pageLog;

  /** Whether every slot that the index names can be read back. */
  private boolean trusted;

  private OverlayPosition position;

  /** A record with the bytes of its pages. */
  public record TailRecord(JournalRecord record, List<ByteBuffer> pages) {}

  /** Given out by the present mount. */
  private NumberRanges numbers;

  private OverlayState(
      LocalFiles files, Path directory, OverlayIndex index, LocalJournal journal, PageLog pageLog) {
    this.files = files;
    this.directory = directory;
    this.index = index;
    this.journal = journal;
    this.pageLog = pageLog;
  }

  /**
   * Opens the directory, or makes it, and recovers what a crash left. An index that is damaged is
   * set aside, and the copy then holds no overlay but for the journal's tail.
   *
   * @throws IOException in one line: in use by another process, of a newer format, unreadable
   */
  public static OverlayState open(Path directory) throws IOException {
    return open(directory, new PosixFiles(), LocalJournal.SEGMENT_BYTES, PageLog.SEGMENT_SLOTS);
  }

  static OverlayState open(
      Path directory, LocalFiles files, long journalSegmentBytes, int pageSegmentSlots)
      throws IOException {
    Path journals = directory.resolve("journal");
    Path pages = directory.resolve("pages");
    List<Closeable> opened = new ArrayList<>();
    try {
      makeDirectory(files, directory);
      makeDirectory(files, journals);
      makeDirectory(files, pages);
      OverlayIndex index = openIndex(files, directory);
      opened.add(index);
      LocalJournal journal = LocalJournal.open(files, journals, journalSegmentBytes);
      opened.add(journal);
      PageLog pageLog = PageLog.open(files, pages, pageSegmentSlots);
      opened.add(pageLog);
      OverlayState state = new OverlayState(files, directory, index, journal, pageLog);
      state.recover();
      return state;
    } catch (IOException | RuntimeException e) {
      for (int i = opened.size() - 1; i >= 0; i--) {
        opened.get(i).close();
      }
      throw e;
    }
  }

  /** Makes a directory whose name survives a power cut, with those above it. */
  private static void makeDirectory(LocalFiles files, Path directory) throws IOException {
    Path path = directory.toAbsolutePath();
    if (Files.isDirectory(path)) {
      return;
    }
    makeDirectory(files, path.getParent());
    Files.createDirectory(path);
    syncDirectory(files, path.getParent());
  }

  private static void syncDirectory(LocalFiles files, Path directory) throws IOException {
    try {
      files.syncDirectory(directory);
    } catch (FsException e) {
      throw new IOException(directory + " cannot be synced: " + e.errno(), e);
    }
  }

  private static OverlayIndex openIndex(LocalFiles files, Path directory) throws IOException {
    Path path = directory.resolve("index");
    KeyValueStore store = null;
    try {
      store = files.openIndex(path);
      store.verify();
      return new OverlayIndex(store);
    } catch (DamagedStoreException e) {
      if (store != null) {
        store.close();
      }
      Path aside = SetAside.move(path);
      syncDirectory(files, directory);
      LOG.warn("{}; it is kept as {}, the overlay will be fetched anew", e.getMessage(), aside);
      return new OverlayIndex(files.openIndex(path));
    } catch (IOException | RuntimeException e) {
      if (store != null) {
        store.close();
      }
      throw e;
    }
  }

  private void recover() throws IOException {
    position = index.position();
    if (position == null) {
      return;
    }
    String mark = readMark();
    trusted = mark.equals(CLEAN) || mark.equals(bootId());
    boolean behind = journal.lastSequence() != 0 && journal.lastSequence() < position.sequence();
    if (behind || journal.firstSequence() > position.sequence() + 1) {
      // The index reached the disk and the journal did not, or not whole.
      trusted = false;
      return;
    }
    try {
      replay();
    } catch (MalformedRecordException e) {
      trusted = false;
      LOG.warn(
          "the local copy in {} cannot be brought up to date from its journal, it will be fetched"
              + " anew: {}",
          directory,
          e.getMessage());
    }
    LOG.debug("overlay state in {} stands at record {}", directory, position.sequence());
  }

  private void replay() throws IOException {
    while (position.sequence() < journal.lastSequence()) {
      SealedRecord sealed = journal.read(position.sequence() + 1);
      OverlayPosition after = position.after(sealed.record());
      index.apply(sealed.record().changes(), sealed.pages(), after);
      position = after;
    }
  }

  /** Where this copy stands; {@code null} if it holds no overlay. */
  public OverlayPosition position() {
    return position;
  }

  /**
   * Whether the copy is the appliance's head, so that nothing has to be fetched.
   *
   * @param sequence the appliance's last record
   * @param hash that record's hash
   * @param headEpoch epoch under which the head last changed by other means than this node's
   *     records
   */
  public boolean isUsableAt(
      String node, String master, int version, long sequence, byte[] hash, long headEpoch) {
    return CatchUp.isHead(position, trusted, sequence, hash, headEpoch)
        && position.node().equals(node)
        && position.master().equals(master)
        && position.version() == version;
  }

  /**
   * Records after this one that are here with all their pages, in order, as far as they go. They
   * may not have reached the appliance; their epoch is in them.
   */
  public Iterable<TailRecord> tail(long afterSequence) {
    return () -> new Tail(Math.max(afterSequence + 1, Math.max(1, journal.firstSequence())));
  }

  /** The last record in the local journal; 0 for none. */
  public long lastSequence() {
    return journal.lastSequence();
  }

  /**
   * The epoch of the records in the local journal, which is one mount's; there must be one. Asks
   * for no record's pages: of those that the appliance has, they may be gone.
   */
  public long lastEpoch() {
    try {
      return journal.read(journal.lastSequence()).record().epoch();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Replaces the copy by a fetched head.
   *
   * @param rows the head's rows in pieces, in any order
   * @param position where the head stands
   */
  public void load(Iterable<List<Change>> rows, OverlayPosition position) throws IOException {
    writeMark("loading");
    this.position = null;
    trusted = false;
    index.clear();
    journal.clear();
    pageLog.clear();
    // Rows come without a position until all are there: a crash on the way leaves no overlay.
    OverlayPosition[] loading = {position};
    index.load(
        () -> {
          Iterator<List<Change>> pieces = rows.iterator();
          return new Iterator<>() {
            @Override
            public boolean hasNext() {
              return pieces.hasNext();
            }

            @Override
            public List<Change> next() {
              List<Change> piece = pieces.next();
              loading[0] = loading[0].using(piece);
              return piece;
            }
          };
        });
    OverlayPosition loaded = loading[0];
    index.setPosition(loaded);
    index.flush();
    this.position = loaded;
    this.trusted = true;
    writeMark(CLEAN);
  }

  /**
   * Marks the copy as in use under a new epoch. It must be the appliance's head.
   *
   * @param nextIno lowest inode number never used as the appliance knows it
   * @param nextCookie lowest cookie never used as the appliance knows it
   */
  public void beginMount(long epoch, long nextIno, long nextCookie) throws IOException {
    if (position == null || !trusted) {
      throw new IllegalStateException("the local copy in " + directory + " is not a whole head");
    }
    OverlayPosition unused = unusedNumbers(position.inEpoch(epoch, nextIno, nextCookie));
    position = unused;
    numbers = new NumberRanges(unused.nextIno(), unused.nextCookie(), this::noteNumbers);
    writeMark(bootId());
    index.setPosition(position);
    index.flush();
    journal.clear();
  }

  /** The position, past all numbers that an earlier mount may have given out. */
  private OverlayPosition unusedNumbers(OverlayPosition known) throws IOException {
    Path file = directory.resolve(NUMBERS);
    if (!Files.exists(file)) {
      // A copy that is new here. What was given out elsewhere and never sealed is known to nobody:
      // each of so many epochs in turn starts in a range of its own.
      long skipped = (1 + known.epoch() % UNKNOWN_EPOCHS) * NumberRanges.RANGE;
      return known.inEpoch(known.epoch(), known.nextIno() + skipped, known.nextCookie() + skipped);
    }
    String[] noted = Files.readString(file).strip().split(" ");
    try {
      return known.inEpoch(
          known.epoch(), Long.parseUnsignedLong(noted[0]), Long.parseUnsignedLong(noted[1]));
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      throw new IOException(file + " is damaged: two numbers expected", e);
    }
  }

  private void noteNumbers(long ino, long cookie) throws IOException {
    replace(NUMBERS, ino + " " + cookie);
  }

  /** Where this mount's inode numbers and cookies come from. */
  NumberRanges numbers() {
    return numbers;
  }

  /**
   * Brings everything sealed so far to this machine's disk.
   *
   * <p>A sync that failed is not made good by a later one: what it may have lost counts as durable
   * only once the appliance has it, and the copy as it is on disk is not trusted again.
   *
   * @param acknowledgedSequence last record that is durable at the appliance
   * @param acknowledgedBatch and the batch that it was
   * @throws FsException if something after that record may not be on disk
   */
  void sync(long acknowledgedSequence, long acknowledgedBatch) throws FsException {
    try {
      pageLog.sync(acknowledgedBatch);
      journal.sync(acknowledgedSequence);
    } finally {
      if (!isSound()) {
        distrust();
      }
    }
  }

  private boolean isSound() {
    return pageLog.isSound() && journal.isSound();
  }

  private void distrust() {
    try {
      Files.deleteIfExists(mark());
      syncDirectory(files, directory);
    } catch (IOException e) {
      LOG.error("{} cannot be marked as unreliable: {}", directory, e.getMessage());
    }
  }

  OverlayIndex index() {
    return index;
  }

  LocalJournal journal() {
    return journal;
  }

  PageLog pageLog() {
    return pageLog;
  }

  /** Everything is sealed, applied and acknowledged: the copy can be used again as it is. */
  void endMount(OverlayPosition last) throws IOException {
    position = last;
    index.flush();
    try {
      sync(last.sequence(), Long.MAX_VALUE);
    } catch (FsException e) {
      throw new IOException(directory + " cannot be synced: " + e.errno(), e);
    }
    if (isSound()) {
      writeMark(CLEAN);
    }
  }

  private String bootId() {
    try {
      return Files.readString(BOOT_ID).strip();
    } catch (IOException e) {
      // Without one, no crash can be told from a power cut: never equal to what was written.
      return "boot-" + System.nanoTime();
    }
  }

  private Path mark() {
    return directory.resolve(MARK);
  }

  private String readMark() throws IOException {
    return Files.exists(mark()) ? Files.readString(mark()).strip() : "";
  }

  private void writeMark(String text) throws IOException {
    replace(MARK, text);
  }

  /** Replaces a file of one line, whole or not at all; durable on return. */
  private void replace(String name, String line) throws IOException {
    Path fresh = directory.resolve(name + ".new");
    try (LocalFile file = files.create(fresh)) {
      file.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8)), 0);
      file.sync();
    } catch (FsException e) {
      throw new IOException(fresh + " cannot be written: " + e.errno(), e);
    }
    Files.move(
        fresh,
        directory.resolve(name),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
    syncDirectory(files, directory);
  }

  @Override
  public void close() throws IOException {
    try {
      journal.close();
    } finally {
      pageLog.close();
      index.close();
    }
  }

  /** Reads record after record; ends before the first whose pages are not what it says. */
  private final class Tail implements Iterator<TailRecord> {
    private long sequence;
    private TailRecord next;

    Tail(long sequence) {
      this.sequence = sequence;
      advance();
    }

    private void advance() {
      next = null;
      if (sequence > journal.lastSequence() || journal.lastSequence() == 0) {
        return;
      }
      try {
        SealedRecord sealed = journal.read(sequence);
        List<ByteBuffer> pages = readPages(pageLog, sealed);
        RecordCodec.verifyPages(sealed.record().changes(), pages);
        next = new TailRecord(sealed.record(), pages);
        sequence++;
      } catch (FsException | MalformedRecordException e) {
        LOG.warn(
            "record {} of the unsent tail in {} is lost with what follows: {}",
            sequence,
            directory,
            e.getMessage());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public boolean hasNext() {
      return next != null;
    }

    @Override
    public TailRecord next() {
      if (next == null) {
        throw new NoSuchElementException();
      }
      TailRecord result = next;
      advance();
      return result;
    }
  }

  /** The bytes of a record's pages, in its order, at most {@link RecordLimits#MAX_PAGE_BYTES}. */
  static List<ByteBuffer> readPages(PageLog pageLog, SealedRecord sealed) throws FsException {
    if (sealed.pages().isEmpty()) {
      return List.of();
    }
    ByteBuffer bytes = ByteBuffer.allocate(sealed.pageCount() * Change.PAGE_BYTES);
    for (SlotRun run : sealed.pages()) {
      bytes.limit(bytes.position() + run.count() * Change.PAGE_BYTES);
      pageLog.read(run.slot(), 0, bytes);
    }
    return List.of(bytes.flip());
  }
}
