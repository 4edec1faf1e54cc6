package io.mapfs.server.overlay;

import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * One overlay's accepted records, with their pages, in append-only segment files until they are
 * folded.
 *
 * <pre>
 *   segment (first sequence, 16 hexadecimal digits).journal: "MPJS" | u32 1 | u64 overlay | frames
 *   frame: "MPJF" | u32 recordBytes | u32 pageBytes | u32 crc | u64 sequence | u64 durable
 *          | 32 bytes hash | record | pages
 * </pre>
 *
 * <p>An encrypted overlay's segments are of version 2: what stands in place of record and pages is
 * {@link FrameSeal}'s.
 *
 * <p>{@code crc} is the CRC32C of the frame without it; {@code durable} is the last sequence that
 * was durable when the frame was written. That tells a torn tail (cut off at open: nobody was told
 * of it) from damage to what was acknowledged (refused).
 *
 * <p>Safe for concurrent use, but for one thing: what may still be read is dropped by the reader
 * alone (the overlay's folding).
 */
final class JournalLog implements Closeable {
  private static final int SEGMENT_MAGIC = 0x4D50_4A53;
  private static final int PLAIN_VERSION = 1;
  private static final int SEALED_VERSION = 2;
  private static final int SEGMENT_HEADER_BYTES = 4 + 4 + 8;
  private static final int FRAME_MAGIC = 0x4D50_4A46;
  private static final int CRC_AT = 12;
  private static final int FRAME_HEADER_BYTES = 4 + 4 + 4 + 4 + 8 + 8 + JournalRecord.HASH_BYTES;
  private static final int MOST_FRAME_BYTES = 16 << 20;
  private static final long SEGMENT_BYTES_MAX = 32L << 20;
  private static final String SUFFIX = ".journal";

  private final Path directory;
  private final long overlayId;

  /** {@code null} where the overlay is not encrypted. */
  private final FrameSeal seal;

  private final List<Segment> segments = new ArrayList<>();

  /** By sequence: every record in the segments that are here. */
  private final TreeMap<Long, Place> places = new TreeMap<>();

  private JournalLog(Path directory, long overlayId, FrameSeal seal) {
    this.directory = directory;
    this.overlayId = overlayId;
    this.seal = seal;
  }

  /** A record as it lies in a segment. */
  record Stored(JournalRecord record, byte[] hash, ByteBuffer pages, long bytes) {}

  private record Place(
      Segment segment,
      long offsetBytes,
      int recordBytes,
      int pageBytes,
      int frameBytes,
      byte[] hash) {
    long endBytes() {
      return offsetBytes + frameBytes;
    }
  }

  /** Length of a frame whose record and pages have so many bytes together. */
  private long frameBytes(long contentBytes) {
    return FRAME_HEADER_BYTES + contentBytes + (seal == null ? 0 : FrameSeal.OVERHEAD_BYTES);
  }

  private static final class Segment {
    final Path file;
    final FileChannel channel;
    long lengthBytes;

    Segment(Path file, FileChannel channel, long lengthBytes) {
      this.file = file;
      this.channel = channel;
      this.lengthBytes = lengthBytes;
    }

    /** That of its first record, which need not be there yet. */
    long firstSequence() {
      String name = file.getFileName().toString();
      return Long.parseLong(name.substring(0, name.length() - SUFFIX.length()), 16);
    }
  }

  /**
   * Opens the segments in a directory.
   *
   * @param foldedSequence last record that was folded durably; older ones need not be here
   * @param key the overlay's, which need not be there yet; {@code null} if it is not encrypted
   * @throws IOException also if a record that was acknowledged is damaged or missing
   */
  static JournalLog open(Path directory, long overlayId, long foldedSequence, HeldKey key)
      throws IOException {
    DurableFiles.createDirectories(directory);
    JournalLog log = new JournalLog(directory, overlayId, key == null ? null : new FrameSeal(key));
    try {
      List<Path> files = new ArrayList<>();
      try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
        found.forEach(files::add);
      }
      Collections.sort(files);
      for (int i = 0; i < files.size(); i++) {
        log.load(files.get(i), i == files.size() - 1);
      }
      log.requireNoGap(foldedSequence);
      log.syncFound();
      return log;
    } catch (IOException e) {
      log.close();
      throw e;
    }
  }

  /**
   * What is found counts as durable from now on, and may have been written by a process that was
   * killed before it synced. Only the last segment can be affected, and its name.
   */
  private void syncFound() throws IOException {
    if (!segments.isEmpty()) {
      segments.get(segments.size() - 1).channel.force(false);
      DurableFiles.syncDirectory(directory);
    }
  }

  private void load(Path file, boolean last) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
    Segment segment = new Segment(file, channel, channel.size());
    segments.add(segment);
    if (segment.lengthBytes < SEGMENT_HEADER_BYTES) {
      if (!last) {
        throw damaged(file, 0);
      }
      // Cut short as it was made: nothing in it was ever acknowledged.
      segments.remove(segment);
      channel.close();
      Files.delete(file);
      return;
    }
    ByteBuffer header = readFully(segment, 0, SEGMENT_HEADER_BYTES);
    if (header.getInt() != SEGMENT_MAGIC) {
      throw damaged(file, 0);
    }
    int version = header.getInt();
    if (version == PLAIN_VERSION + SEALED_VERSION - version()) {
      throw new CorruptBlockException(
          file
              + (seal == null ? " is encrypted" : " is not encrypted")
              + ", other than its overlay: restore it");
    }
    if (version != version()) {
      throw new IOException(
          file + " is a journal of format " + version + ": use a newer release of MapFS");
    }
    if (header.getLong() != overlayId) {
      throw new CorruptBlockException(file + " is the journal of another overlay: restore it");
    }
    long offset = SEGMENT_HEADER_BYTES;
    while (offset < segment.lengthBytes) {
      Place place = placeAt(segment, offset);
      if (place == null) {
        if (!last || acknowledgedBehind(segment, offset)) {
          throw damaged(file, offset);
        }
        channel.truncate(offset);
        channel.force(false);
        segment.lengthBytes = offset;
        return;
      }
      offset = place.endBytes();
    }
  }

  private int version() {
    return seal == null ? PLAIN_VERSION : SEALED_VERSION;
  }

  /** Indexes the frame at an offset; {@code null} if it is not whole. */
  private Place placeAt(Segment segment, long offset) throws IOException {
    ByteBuffer frame = frameAt(segment, offset);
    if (frame == null) {
      return null;
    }
    int recordBytes = frame.getInt(4);
    int pageBytes = frame.getInt(8);
    byte[] hash = new byte[JournalRecord.HASH_BYTES];
    frame.get(32, hash);
    Place place = new Place(segment, offset, recordBytes, pageBytes, frame.limit(), hash);
    places.put(frame.getLong(16), place);
    return place;
  }

  /** The frame's bytes; {@code null} if they are not whole. */
  private ByteBuffer frameAt(Segment segment, long offset) throws IOException {
    long left = segment.lengthBytes - offset;
    if (left < frameBytes(0)) {
      return null;
    }
    ByteBuffer header = readFully(segment, offset, FRAME_HEADER_BYTES);
    long bytes = frameBytes((long) header.getInt(4) + header.getInt(8));
    if (header.getInt(0) != FRAME_MAGIC
        || header.getInt(4) < 0
        || header.getInt(8) < 0
        || bytes > Math.min(left, MOST_FRAME_BYTES)) {
      return null;
    }
    ByteBuffer frame = readFully(segment, offset, (int) bytes);
    return frame.getInt(CRC_AT) == crc(frame) ? frame : null;
  }

  /**
   * Whether a whole frame behind a broken one says that the broken one's record was durable. Frames
   * are looked for at every byte: the broken one's length may be what is broken.
   */
  private boolean acknowledgedBehind(Segment segment, long brokenOffset) throws IOException {
    long brokenSequence = places.isEmpty() ? segment.firstSequence() : places.lastKey() + 1;
    ByteBuffer rest = readFully(segment, brokenOffset, (int) (segment.lengthBytes - brokenOffset));
    for (int at = 1; at + FRAME_HEADER_BYTES <= rest.limit(); at++) {
      if (rest.getInt(at) == FRAME_MAGIC) {
        ByteBuffer frame = frameAt(segment, brokenOffset + at);
        if (frame != null) {
          return frame.getLong(24) >= brokenSequence;
        }
      }
    }
    return false;
  }

  private void requireNoGap(long foldedSequence) throws IOException {
    long expected = foldedSequence + 1;
    for (long sequence : places.tailMap(expected, true).keySet()) {
      if (sequence != expected) {
        throw lacking(expected);
      }
      expected++;
    }
    // One without a record yet tells, too, how far the rows had come.
    if (!segments.isEmpty() && segments.get(0).firstSequence() > foldedSequence + 1) {
      throw lacking(foldedSequence + 1);
    }
  }

  private IOException lacking(long sequence) {
    return new CorruptBlockException(
        directory
            + " lacks record "
            + sequence
            + ", which was acknowledged: restore it, or the rows");
  }

  /** Last record here; 0 for none. */
  synchronized long lastSequence() {
    return places.isEmpty() ? 0 : places.lastKey();
  }

  /** That of the last record here; 0 for none. */
  long lastEpoch() throws IOException {
    long last = lastSequence();
    if (last == 0) {
      return 0;
    }
    return seal == null ? read(last).record().epoch() : FrameSeal.epoch(body(frame(place(last))));
  }

  /** The record's hash; {@code null} if it is not here any more. */
  synchronized byte[] hashAt(long sequence) {
    Place place = places.get(sequence);
    return place == null ? null : place.hash();
  }

  /** Bytes that lie behind a sequence: what is still to be folded. */
  synchronized long bytesAfter(long sequence) {
    long bytes = 0;
    for (Place place : places.tailMap(sequence, false).values()) {
      bytes += place.recordBytes() + place.pageBytes();
    }
    return bytes;
  }

  /** Writes a record behind the last; durable after {@link #sync}. */
  synchronized void write(
      JournalRecord record, byte[] encoded, byte[] hash, List<ByteBuffer> pages, long durable)
      throws IOException {
    Segment segment = activeSegment(record.sequence());
    int pageBytes = 0;
    for (ByteBuffer page : pages) {
      pageBytes += page.remaining();
    }
    ByteBuffer header =
        ByteBuffer.allocate(FRAME_HEADER_BYTES)
            .putInt(FRAME_MAGIC)
            .putInt(encoded.length)
            .putInt(pageBytes)
            .putInt(0)
            .putLong(record.sequence())
            .putLong(durable)
            .put(hash)
            .flip();
    List<ByteBuffer> parts = new ArrayList<>(pages.size() + 2);
    parts.add(header);
    if (seal == null) {
      parts.add(ByteBuffer.wrap(encoded));
      pages.forEach(page -> parts.add(page.duplicate()));
    } else {
      parts.add(seal.seal(header, record.epoch(), encoded, pages));
    }
    CRC32C crc = new CRC32C();
    crc.update(header.slice(0, CRC_AT));
    crc.update(header.slice(CRC_AT + 4, FRAME_HEADER_BYTES - CRC_AT - 4));
    for (ByteBuffer part : parts.subList(1, parts.size())) {
      crc.update(part.duplicate());
    }
    header.putInt(CRC_AT, (int) crc.getValue());
    writeFully(segment, parts.toArray(new ByteBuffer[0]));
    Place place =
        new Place(
            segment,
            segment.lengthBytes,
            encoded.length,
            pageBytes,
            (int) frameBytes((long) encoded.length + pageBytes),
            hash);
    segment.lengthBytes = place.endBytes();
    places.put(record.sequence(), place);
  }

  private Segment activeSegment(long sequence) throws IOException {
    Segment last = segments.isEmpty() ? null : segments.get(segments.size() - 1);
    if (last != null && last.lengthBytes < SEGMENT_BYTES_MAX) {
      return last;
    }
    if (last != null) {
      // A later frame's "durable" vouches for its own segment only if older ones are on disk.
      last.channel.force(false);
    }
    return begin(sequence);
  }

  /** A segment whose first record will be this one; its name is durable on return. */
  private Segment begin(long sequence) throws IOException {
    Path file = directory.resolve(String.format("%016x", sequence) + SUFFIX);
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
    Segment segment = new Segment(file, channel, 0);
    segments.add(segment);
    ByteBuffer header =
        ByteBuffer.allocate(SEGMENT_HEADER_BYTES)
            .putInt(SEGMENT_MAGIC)
            .putInt(version())
            .putLong(overlayId)
            .flip();
    writeFully(segment, header);
    segment.lengthBytes = SEGMENT_HEADER_BYTES;
    DurableFiles.syncDirectory(directory);
    return segment;
  }

  /** Makes everything that was written durable (fdatasync). */
  void sync() throws IOException {
    FileChannel active;
    synchronized (this) {
      if (segments.isEmpty()) {
        return;
      }
      active = segments.get(segments.size() - 1).channel;
    }
    active.force(false);
  }

  /**
   * Forgets the records behind a sequence, after a failed write or sync. They are cut off, not
   * synced again: after a failed fdatasync nobody knows what of them the kernel still holds.
   */
  synchronized void cutAfter(long durableSequence) throws IOException {
    for (Map.Entry<Long, Place> entry :
        places.tailMap(durableSequence, false).descendingMap().entrySet()) {
      Segment segment = entry.getValue().segment();
      segment.lengthBytes = entry.getValue().offsetBytes();
    }
    places.tailMap(durableSequence, false).clear();
    for (Segment segment : segments) {
      if (segment.channel.size() > segment.lengthBytes) {
        segment.channel.truncate(segment.lengthBytes);
      }
    }
  }

  /**
   * Reads a record back. Safe beside writes of later records.
   *
   * @throws io.mapfs.server.store.LockedException if the overlay is encrypted and its key not here
   */
  Stored read(long sequence) throws IOException {
    Place place = place(sequence);
    ByteBuffer frame = frame(place);
    ByteBuffer content = seal == null ? body(frame) : seal.open(frame, body(frame));
    if (content == null) {
      throw damaged(place.segment().file, place.offsetBytes());
    }
    return new Stored(
        RecordCodec.decode(content.slice(0, place.recordBytes())),
        place.hash(),
        content.slice(place.recordBytes(), place.pageBytes()),
        place.recordBytes() + place.pageBytes());
  }

  private synchronized Place place(long sequence) throws IOException {
    Place place = places.get(sequence);
    if (place == null) {
      throw new CorruptBlockException(directory + " has no record " + sequence);
    }
    return place;
  }

  private static ByteBuffer frame(Place place) throws IOException {
    ByteBuffer frame = readFully(place.segment(), place.offsetBytes(), place.frameBytes());
    if (frame.getInt(CRC_AT) != crc(frame)) {
      throw damaged(place.segment().file, place.offsetBytes());
    }
    return frame;
  }

  private static ByteBuffer body(ByteBuffer frame) {
    return frame.slice(FRAME_HEADER_BYTES, frame.limit() - FRAME_HEADER_BYTES);
  }

  /**
   * The segments' bytes, one segment behind the other.
   *
   * @return at most so many of them from an offset on; fewer where a segment ends, none at the end
   */
  synchronized byte[] read(long offsetBytes, int mostBytes) throws IOException {
    long offset = offsetBytes;
    for (Segment segment : segments) {
      if (offset < segment.lengthBytes) {
        int bytes = (int) Math.min(mostBytes, segment.lengthBytes - offset);
        return readFully(segment, offset, bytes).array();
      }
      offset -= segment.lengthBytes;
    }
    return new byte[0];
  }

  /** Bytes of the segments all of whose records are folded. */
  synchronized long bytesThrough(long foldedSequence) {
    long bytes = 0;
    for (int i = 0; i < segments.size() && lastSequenceIn(i) <= foldedSequence; i++) {
      bytes += segments.get(i).lengthBytes;
    }
    return bytes;
  }

  /** Removes segments all of whose records were folded durably. */
  synchronized void dropThrough(long foldedSequence) throws IOException {
    while (!segments.isEmpty() && lastSequenceIn(0) <= foldedSequence) {
      Segment first = segments.get(0);
      if (segments.size() == 1) {
        if (first.lengthBytes < SEGMENT_BYTES_MAX / 8) {
          return;
        }
        // The name of an empty one says how far the rows have come, if they are cut one day.
        begin(lastSequence() + 1);
      }
      remove(first);
    }
  }

  /** No record of the segment has a higher sequence. */
  private long lastSequenceIn(int segment) {
    return segment + 1 < segments.size()
        ? segments.get(segment + 1).firstSequence() - 1
        : lastSequence();
  }

  /** Removes everything: the next record does not follow on what is here. */
  synchronized void clear() throws IOException {
    while (!segments.isEmpty()) {
      remove(segments.get(0));
    }
  }

  private void remove(Segment segment) throws IOException {
    places.values().removeIf(place -> place.segment() == segment);
    segments.remove(segment);
    segment.channel.close();
    Files.delete(segment.file);
  }

  private static void writeFully(Segment segment, ByteBuffer... parts) throws IOException {
    segment.channel.position(segment.lengthBytes);
    long left = 0;
    for (ByteBuffer part : parts) {
      left += part.remaining();
    }
    while (left > 0) {
      left -= segment.channel.write(parts);
    }
  }

  private static ByteBuffer readFully(Segment segment, long offset, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    while (buffer.hasRemaining()) {
      if (segment.channel.read(buffer, offset + buffer.position()) < 0) {
        throw new EOFException(segment.file + " ends at " + (offset + buffer.position()));
      }
    }
    return buffer.flip();
  }

  private static int crc(ByteBuffer frame) {
    CRC32C crc = new CRC32C();
    crc.update(frame.slice(0, CRC_AT));
    crc.update(frame.slice(CRC_AT + 4, frame.limit() - CRC_AT - 4));
    return (int) crc.getValue();
  }

  private static IOException damaged(Path file, long offset) {
    return new CorruptBlockException(
        file + " is damaged at byte " + offset + ": restore it from a replica or a backup");
  }

  /** Files of this journal, for their sizes. */
  synchronized long storedBytes() {
    return segments.stream().mapToLong(segment -> segment.lengthBytes).sum();
  }

  @Override
  public synchronized void close() throws IOException {
    for (Segment segment : segments) {
      segment.channel.close();
    }
    segments.clear();
    places.clear();
  }
}
