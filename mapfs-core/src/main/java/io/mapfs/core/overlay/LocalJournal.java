package io.mapfs.core.overlay;

import io.mapfs.core.fs.FsException;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.MalformedRecordException;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.journal.RecordLimits;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * The node's own journal: sealed records in order, in segment files. It is the index's log (which
 * has none of its own), and holds what the appliance has not acknowledged. Layout: docs/format.md,
 * "Local journal".
 *
 * <p>Opening keeps the longest valid prefix: whatever follows the first damaged entry is cut off,
 * as a crash leaves it.
 *
 * <p>Safe for concurrent use; appends come from one thread.
 */
final class LocalJournal implements Closeable {
  /** A segment takes no more when it is at least this long. */
  static final long SEGMENT_BYTES = 16L << 20;

  /** "MPLJ". */
  private static final int MAGIC = 0x4D50_4C4A;

  private static final int VERSION = 1;
  private static final int HEADER_BYTES = 4 + 2 + 2 + 8;
  private static final int ENTRY_HEADER_BYTES = 4 + 4;
  private static final int RUN_BYTES = 8 + 4;
  private static final int PAYLOAD_BYTES_MAX =
      4 + RecordLimits.MAX_RECORD_BYTES + 4 + RecordLimits.MAX_PAGES * RUN_BYTES;
  private static final String PREFIX = "journal-";
  private static final String SUFFIX = ".log";

  private record Location(Segment segment, long position, int payloadBytes) {}

  private static final class Segment {
    final SegmentFile file;
    long endBytes;
    long lastSequence;

    Segment(SegmentFile file) {
      this.file = file;
    }
  }

  private final LocalFiles files;
  private final Path directory;
  private final List<Segment> segments = new ArrayList<>();
  private final NavigableMap<Long, Location> entries = new TreeMap<>();

  private final long segmentBytes;

  private LocalJournal(LocalFiles files, Path directory, long segmentBytes) {
    this.files = files;
    this.directory = directory;
    this.segmentBytes = segmentBytes;
  }

  /**
   * Opens the journal in a directory that is there.
   *
   * @param segmentBytes a segment takes no more when it is at least this long
   * @throws IOException also for a segment of a newer format, which is left as it is
   */
  static LocalJournal open(LocalFiles files, Path directory, long segmentBytes) throws IOException {
    List<Path> paths = new ArrayList<>();
    try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, PREFIX + "*" + SUFFIX)) {
      found.forEach(paths::add);
    }
    paths.sort(null);
    LocalJournal journal = new LocalJournal(files, directory, segmentBytes);
    try {
      boolean damaged = false;
      for (Path path : paths) {
        if (damaged) {
          Files.delete(path);
        } else {
          damaged = !journal.load(path);
        }
      }
    } catch (FsException e) {
      journal.close();
      throw failure(e);
    } catch (IOException | RuntimeException e) {
      journal.close();
      throw e;
    }
    return journal;
  }

  private static IOException failure(FsException e) {
    return new IOException("local journal: " + e.getMessage(), e);
  }

  /** Loads a segment; false if it had to be cut or is of no use, so that nothing may follow it. */
  private boolean load(Path path) throws IOException, FsException {
    Segment segment = new Segment(SegmentFile.open(files, path));
    long size = segment.file.sizeBytes();
    if (size < HEADER_BYTES || !hasHeader(segment)) {
      segment.file.close();
      segment.file.unlink();
      return false;
    }
    segments.add(segment);
    long at = HEADER_BYTES;
    while (at < size) {
      ByteBuffer payload = payloadAt(segment, at, size);
      if (payload == null) {
        break;
      }
      int payloadBytes = payload.remaining();
      long sequence;
      try {
        sequence = decode(payload).record().sequence();
      } catch (MalformedRecordException e) {
        break;
      }
      if (!entries.isEmpty() && sequence != entries.lastKey() + 1) {
        break;
      }
      entries.put(sequence, new Location(segment, at + ENTRY_HEADER_BYTES, payloadBytes));
      segment.lastSequence = sequence;
      at += ENTRY_HEADER_BYTES + payloadBytes;
    }
    segment.endBytes = at;
    if (at < size) {
      segment.file.truncate(at);
      return false;
    }
    return true;
  }

  private static boolean hasHeader(Segment segment) throws IOException, FsException {
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
    segment.file.read(header, 0);
    header.flip();
    if (header.getInt() != MAGIC) {
      return false;
    }
    int version = header.getShort();
    if (version != VERSION) {
      throw new IOException(
          "local journal "
              + segment.file.path()
              + " has format version "
              + version
              + "; this release reads version 1: use the release that wrote it");
    }
    return true;
  }

  /** The payload of the entry at this place, or {@code null} if there is no whole, valid one. */
  private static ByteBuffer payloadAt(Segment segment, long at, long size) throws FsException {
    if (size - at < ENTRY_HEADER_BYTES) {
      return null;
    }
    ByteBuffer header = ByteBuffer.allocate(ENTRY_HEADER_BYTES);
    segment.file.read(header, at);
    header.flip();
    int length = header.getInt();
    int checksum = header.getInt();
    if (length < 0 || length > PAYLOAD_BYTES_MAX || length > size - at - ENTRY_HEADER_BYTES) {
      return null;
    }
    ByteBuffer payload = ByteBuffer.allocate(length);
    segment.file.read(payload, at + ENTRY_HEADER_BYTES);
    payload.flip();
    return crc(payload) == checksum ? payload : null;
  }

  /** The last record's sequence; 0 if there is none. */
  synchronized long lastSequence() {
    return entries.isEmpty() ? 0 : entries.lastKey();
  }

  /** The first record's sequence that is still here; 0 if there is none. */
  synchronized long firstSequence() {
    return entries.isEmpty() ? 0 : entries.firstKey();
  }

  /**
   * Appends; readable on return, durable after {@link #sync}. A failed append leaves nothing, and
   * may be made again.
   */
  void append(SealedRecord sealed) throws IOException {
    ByteBuffer entry = encode(sealed);
    int payloadBytes = entry.remaining() - ENTRY_HEADER_BYTES;
    Segment segment;
    synchronized (this) {
      long sequence = sealed.record().sequence();
      if (!entries.isEmpty() && sequence != entries.lastKey() + 1) {
        throw new IllegalStateException(
            "record " + sequence + " does not follow " + entries.lastKey());
      }
      segment = segments.isEmpty() ? null : segments.get(segments.size() - 1);
      if (segment == null || segment.endBytes >= segmentBytes || segment.file.isFailed()) {
        segment = newSegment(sequence);
      }
    }
    // A failed write leaves endBytes alone, so that the next attempt overwrites its debris.
    try {
      segment.file.write(entry, segment.endBytes);
    } catch (FsException e) {
      throw failure(e);
    }
    synchronized (this) {
      long sequence = sealed.record().sequence();
      entries.put(
          sequence, new Location(segment, segment.endBytes + ENTRY_HEADER_BYTES, payloadBytes));
      segment.endBytes += ENTRY_HEADER_BYTES + payloadBytes;
      segment.lastSequence = sequence;
    }
  }

  private Segment newSegment(long firstSequence) throws IOException {
    Path path = directory.resolve(String.format("%s%016x%s", PREFIX, firstSequence, SUFFIX));
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
    header.putInt(MAGIC).putShort((short) VERSION).putShort((short) 0).putLong(firstSequence);
    Segment segment;
    try {
      segment = new Segment(SegmentFile.create(files, path));
      try {
        segment.file.write(header.flip(), 0);
      } catch (FsException e) {
        segment.file.close();
        throw e;
      }
    } catch (FsException e) {
      throw failure(e);
    }
    segment.endBytes = HEADER_BYTES;
    segments.add(segment);
    return segment;
  }

  /** The record of this sequence, which must be here. */
  SealedRecord read(long sequence) throws IOException {
    ByteBuffer payload;
    synchronized (this) {
      Location location = entries.get(sequence);
      if (location == null) {
        throw new IOException("record " + sequence + " is not in the local journal " + directory);
      }
      try {
        payload =
            payloadAt(
                location.segment,
                location.position - ENTRY_HEADER_BYTES,
                location.position + location.payloadBytes);
      } catch (FsException e) {
        throw failure(e);
      }
    }
    if (payload == null) {
      throw new IOException("record " + sequence + " in the local journal is damaged");
    }
    return decode(payload);
  }

  /**
   * Brings everything appended so far to disk.
   *
   * @throws FsException if a segment cannot be synced, or could not be before, and holds records
   *     after the acknowledged one
   */
  void sync(long acknowledgedSequence) throws FsException {
    List<Segment> all;
    synchronized (this) {
      all = List.copyOf(segments);
    }
    for (Segment segment : all) {
      try {
        segment.file.sync();
      } catch (FsException e) {
        if (segment.lastSequence > acknowledgedSequence) {
          throw e;
        }
      }
    }
  }

  /** Whether every segment is on disk as it was written, as far as anyone can tell. */
  synchronized boolean isSound() {
    return segments.stream().noneMatch(segment -> segment.file.isFailed());
  }

  /** The last record of the oldest segment, if it is one that takes no more; else 0. */
  synchronized long lastOfOldestFullSegment() {
    return segments.size() > 1 ? segments.get(0).lastSequence : 0;
  }

  /** Deletes segments whose records are all up to this one; the last segment stays. */
  synchronized void dropThrough(long sequence) throws IOException {
    while (segments.size() > 1 && segments.get(0).lastSequence <= sequence) {
      Segment segment = segments.remove(0);
      entries.headMap(segment.lastSequence, true).clear();
      segment.file.close();
      segment.file.unlink();
    }
  }

  /** Forgets everything. */
  synchronized void clear() throws IOException {
    entries.clear();
    for (Segment segment : segments) {
      segment.file.close();
      segment.file.unlink();
    }
    segments.clear();
  }

  private static ByteBuffer encode(SealedRecord sealed) {
    JournalRecord record = sealed.record();
    int recordBytes = RecordCodec.encodedBytes(record);
    int payloadBytes = 4 + recordBytes + 4 + sealed.pages().size() * RUN_BYTES;
    ByteBuffer buffer = ByteBuffer.allocate(ENTRY_HEADER_BYTES + payloadBytes);
    buffer.position(ENTRY_HEADER_BYTES);
    buffer.putInt(recordBytes);
    RecordCodec.encode(record, buffer);
    buffer.putInt(sealed.pages().size());
    for (SlotRun run : sealed.pages()) {
      buffer.putLong(run.slot()).putInt(run.count());
    }
    buffer.putInt(0, payloadBytes);
    buffer.putInt(4, crc(buffer.slice(ENTRY_HEADER_BYTES, payloadBytes)));
    return buffer.flip();
  }

  private static SealedRecord decode(ByteBuffer payload) throws MalformedRecordException {
    if (payload.remaining() < 8) {
      throw new MalformedRecordException("journal entry is cut short");
    }
    int recordBytes = payload.getInt();
    if (recordBytes < 0 || recordBytes > payload.remaining() - 4) {
      throw new MalformedRecordException("journal entry with a record of " + recordBytes);
    }
    JournalRecord record = RecordCodec.decode(payload.slice(payload.position(), recordBytes));
    payload.position(payload.position() + recordBytes);
    int count = payload.getInt();
    if (count < 0 || count > RecordLimits.MAX_PAGES || payload.remaining() != count * RUN_BYTES) {
      throw new MalformedRecordException("journal entry with " + count + " page runs");
    }
    List<SlotRun> runs = new ArrayList<>(count);
    int pages = 0;
    for (int i = 0; i < count; i++) {
      SlotRun run = new SlotRun(payload.getLong(), payload.getInt());
      if (run.slot() < 0 || run.count() < 1 || run.count() > RecordLimits.MAX_PAGES) {
        throw new MalformedRecordException("journal entry with a bad page run");
      }
      pages += run.count();
      runs.add(run);
    }
    if (pages != RecordCodec.pageCount(record.changes())) {
      throw new MalformedRecordException("journal entry whose pages are not its record's");
    }
    return new SealedRecord(record, runs);
  }

  private static int crc(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate());
    return (int) crc.getValue();
  }

  @Override
  public synchronized void close() {
    for (Segment segment : segments) {
      segment.file.close();
    }
    segments.clear();
    entries.clear();
  }
}
