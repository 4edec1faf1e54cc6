package io.mapfs.node.cache;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.LeafHashes;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * One file of the cache: entries appended until it is full, then an index of them. Byte for byte in
 * docs/format.md; all numbers are big-endian.
 *
 * <pre>
 *  0    header   magic "MAPFSSEG", u16 version, u16 0, u32 number, 44 × 0, u32 crc32c      64 bytes
 *  64   entry    u32 magic, u32 rawBytes, id, u8 algorithm, 19 × 0, u32 crc32c             64 bytes
 *                leaf hashes, content, zeros to a multiple of 64
 *  …    entry
 *  i    index    rows of u64 prefix, u32 offset / 64, u32 rawBytes                16 bytes each
 *       trailer  magic "MAPFSIDX", u64 i, u32 rows, u32 crc32c of rows and trailer, to the end
 * </pre>
 *
 * <p>A file without a whole trailer was being written when its daemon died: its entries are found
 * by walking their headers, up to the first that is torn. Contents are not looked at before they
 * are read.
 *
 * <p>Reads may run beside appends and beside {@link #delete}. Appends belong to one thread.
 */
final class Segment implements Closeable {
  static final int ALIGN_BYTES = 64;
  static final int HEADER_BYTES = 64;
  static final int ENTRY_HEADER_BYTES = 64;

  /** Most bytes of a segment: what a {@link Location} can address. */
  static final long BYTES_MAX = 1L << 30;

  /** Most entries of a segment; bounds the list that is kept of the one being written. */
  static final int ENTRIES_MAX = 1 << 18;

  private static final int VERSION = 1;
  private static final long MAGIC = 0x4d41504653534547L;
  private static final long INDEX_MAGIC = 0x4d41504653494458L;
  private static final int ENTRY_MAGIC = 0x4d424c4b;
  private static final int ROW_BYTES = 16;
  private static final int TRAILER_BYTES = 24;
  private static final Set<StandardOpenOption> READ_WRITE =
      Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE);

  private final Path file;
  private final int number;
  private volatile FileChannel channel;

  /** The file once more, for hints to the kernel; -1 as its number once closed. */
  private final Descriptor hints;

  /** Where the next entry goes; written by the appending thread. */
  private volatile long endBytes;

  /** Whether {@link #delete} was called; then a failing read is no fault. */
  private volatile boolean deleted;

  /** Order of last use among the store's segments. A lost race makes it slightly older. */
  private volatile long lastUse;

  private Segment(Path file, int number, FileChannel channel, long endBytes) throws IOException {
    this.file = file;
    this.number = number;
    this.channel = channel;
    this.endBytes = endBytes;
    try {
      this.hints = Posix.open(file.toString(), OpenFlags.O_RDONLY, 0);
    } catch (FsException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  /** Takes the entries of a segment that is opened, in no particular order. */
  @FunctionalInterface
  interface EntryConsumer {
    void accept(long prefix, long location);
  }

  /** Bytes that an entry takes in the file. */
  static int entryBytes(int rawBytes) {
    return align(contentOffset(rawBytes) + rawBytes);
  }

  /** Where in an entry its content begins. */
  static int contentOffset(int rawBytes) {
    return ENTRY_HEADER_BYTES + LeafHashes.count(rawBytes) * LeafHashes.HASH_BYTES;
  }

  static Segment create(Path file, int number) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file,
            Set.of(
                StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
            SegmentStore.OWNER_ONLY);
    try {
      ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
      header.putLong(MAGIC).putShort((short) VERSION).putShort((short) 0).putInt(number);
      header.putInt(HEADER_BYTES - 4, crc(header.array(), 0, HEADER_BYTES - 4)).rewind();
      writeFully(channel, header, 0);
      return new Segment(file, number, channel, HEADER_BYTES);
    } catch (IOException e) {
      channel.close();
      Files.deleteIfExists(file);
      throw e;
    }
  }

  /**
   * Opens a segment and lists its entries. Appending may go on behind the last of them.
   *
   * @return {@code null} if this is not a segment of that number, and may be deleted
   * @throws IOException if it cannot be read, or was made by a newer release
   */
  static Segment open(Path file, int number, EntryConsumer entries) throws IOException {
    FileChannel channel = FileChannel.open(file, READ_WRITE);
    Segment segment = null;
    boolean opened = false;
    try {
      ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
      if (!readFully(channel, header, 0)
          || header.getLong(0) != MAGIC
          || header.getInt(HEADER_BYTES - 4) != crc(header.array(), 0, HEADER_BYTES - 4)) {
        return null;
      }
      int version = header.getShort(8);
      if (version > VERSION) {
        throw new IOException(
            "the block cache file "
                + file
                + " has format "
                + version
                + ", this release reads up to "
                + VERSION
                + "; name another cache directory or delete this one");
      }
      if (header.getInt(12) != number || channel.size() > BYTES_MAX + BYTES_MAX / 2) {
        return null;
      }
      segment = new Segment(file, number, channel, HEADER_BYTES);
      if (!segment.loadIndex(entries)) {
        segment.walkEntries(entries);
      }
      opened = true;
      return segment;
    } finally {
      if (!opened) {
        Closeable held = segment == null ? channel : segment;
        held.close();
      }
    }
  }

  int number() {
    return number;
  }

  Path file() {
    return file;
  }

  /** Bytes of header and entries; the index comes on top. */
  long endBytes() {
    return endBytes;
  }

  long lastUse() {
    return lastUse;
  }

  void used(long now) {
    lastUse = now;
  }

  /** Puts an entry into the buffer, whose position is a multiple of {@link #ALIGN_BYTES}. */
  static void encode(VerifiedBlock block, ByteBuffer target) {
    int start = target.position();
    byte[] header = new byte[ENTRY_HEADER_BYTES];
    ByteBuffer fields = ByteBuffer.wrap(header);
    fields.putInt(ENTRY_MAGIC).putInt(block.content().length);
    block.id().putInto(fields);
    fields.put(BlockId.ALGORITHM_SHA256_LEAVES);
    fields.putInt(ENTRY_HEADER_BYTES - 4, crc(header, 0, ENTRY_HEADER_BYTES - 4));
    target.put(header).put(block.leaves()).put(block.content());
    while (target.position() < start + entryBytes(block.content().length)) {
      target.put((byte) 0);
    }
  }

  /** Writes encoded entries behind the last. On failure the segment is as it was. */
  void append(ByteBuffer entries) throws IOException {
    long start = endBytes;
    int bytes = entries.remaining();
    writeFully(live(), entries, start);
    endBytes = start + bytes;
  }

  /** Writes the index behind the last entry. Rows: prefix, location, prefix, location, … */
  void seal(long[] rows, int count) throws IOException {
    ByteBuffer index = ByteBuffer.allocate(count * ROW_BYTES + TRAILER_BYTES);
    for (int i = 0; i < count; i++) {
      long location = rows[2 * i + 1];
      index.putLong(rows[2 * i]);
      index.putInt((int) (Location.offsetBytes(location) / ALIGN_BYTES));
      index.putInt(Location.rawBytes(location));
    }
    index.putLong(INDEX_MAGIC).putLong(endBytes).putInt(count);
    index.putInt(crc(index.array(), 0, index.position())).flip();
    writeFully(live(), index, endBytes);
    live().truncate(endBytes + index.limit());
  }

  /** Cuts off what stands behind the last entry: an index, or what a failed append left. */
  void cutTail() throws IOException {
    live().truncate(endBytes);
  }

  /** The block whose entry of that size begins there, its header checked; else {@code null}. */
  static BlockId entryId(byte[] entry, int rawBytes) {
    ByteBuffer fields = ByteBuffer.wrap(entry);
    return isEntry(entry) && fields.getInt(4) == rawBytes ? BlockId.take(fields.position(8)) : null;
  }

  /**
   * Reads part of an entry.
   *
   * @return false if the file ends before
   */
  boolean read(long offsetBytes, byte[] target, int length) throws IOException {
    return readFully(live(), ByteBuffer.wrap(target, 0, length), offsetBytes);
  }

  /** Has the disk begin to read a part; a hint, which never waits for the disk. */
  void willNeed(long offsetBytes, long lengthBytes) {
    Posix.willNeed(hints.number(), offsetBytes, lengthBytes);
  }

  /** Deletes the file. Reads under way may fail. */
  void delete() throws IOException {
    deleted = true;
    hints.close();
    channel.close();
    Files.deleteIfExists(file);
  }

  @Override
  public void close() throws IOException {
    deleted = true;
    hints.close();
    channel.close();
  }

  /** The channel, opened again if an interrupt of some reader's thread closed it. */
  private FileChannel live() throws IOException {
    FileChannel current = channel;
    if (current.isOpen()) {
      return current;
    }
    synchronized (this) {
      if (deleted) {
        throw new ClosedChannelException();
      }
      if (!channel.isOpen()) {
        channel = FileChannel.open(file, READ_WRITE);
      }
      return channel;
    }
  }

  private boolean loadIndex(EntryConsumer entries) throws IOException {
    long size = channel.size();
    if (size < HEADER_BYTES + TRAILER_BYTES) {
      return false;
    }
    ByteBuffer trailer = ByteBuffer.allocate(TRAILER_BYTES);
    readFully(channel, trailer, size - TRAILER_BYTES);
    long start = trailer.getLong(8);
    long rows = trailer.getInt(16);
    if (trailer.getLong(0) != INDEX_MAGIC
        || rows < 0
        || rows > ENTRIES_MAX
        || start < HEADER_BYTES
        || start > BYTES_MAX
        || start % ALIGN_BYTES != 0
        || start + rows * ROW_BYTES + TRAILER_BYTES != size) {
      return false;
    }
    ByteBuffer index = ByteBuffer.allocate((int) rows * ROW_BYTES + TRAILER_BYTES);
    int checked = index.capacity() - 4;
    if (!readFully(channel, index, start)
        || index.getInt(checked) != crc(index.array(), 0, checked)) {
      return false;
    }
    index.rewind();
    for (int i = 0; i < rows; i++) {
      long prefix = index.getLong();
      long offset = Integer.toUnsignedLong(index.getInt()) * ALIGN_BYTES;
      int rawBytes = index.getInt();
      if (rawBytes >= 1
          && rawBytes <= BlockId.BLOCK_BYTES
          && offset + entryBytes(rawBytes) <= start) {
        entries.accept(prefix, Location.of(number, offset, rawBytes));
      }
    }
    endBytes = start;
    return true;
  }

  private void walkEntries(EntryConsumer entries) throws IOException {
    long size = Math.min(channel.size(), BYTES_MAX);
    long offset = HEADER_BYTES;
    byte[] header = new byte[ENTRY_HEADER_BYTES];
    for (int count = 0; count < ENTRIES_MAX; count++) {
      if (!readFully(channel, ByteBuffer.wrap(header), offset) || !isEntry(header)) {
        break;
      }
      ByteBuffer fields = ByteBuffer.wrap(header);
      int rawBytes = fields.getInt(4);
      if (offset + entryBytes(rawBytes) > size) {
        break;
      }
      entries.accept(fields.getLong(8), Location.of(number, offset, rawBytes));
      offset += entryBytes(rawBytes);
    }
    endBytes = offset;
  }

  private static boolean isEntry(byte[] header) {
    ByteBuffer fields = ByteBuffer.wrap(header);
    int rawBytes = fields.getInt(4);
    return fields.getInt(0) == ENTRY_MAGIC
        && fields.getInt(ENTRY_HEADER_BYTES - 4) == crc(header, 0, ENTRY_HEADER_BYTES - 4)
        && rawBytes >= 1
        && rawBytes <= BlockId.BLOCK_BYTES
        && header[40] == BlockId.ALGORITHM_SHA256_LEAVES;
  }

  private static int align(int bytes) {
    return (bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
  }

  private static int crc(byte[] bytes, int offset, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, offset, length);
    return (int) crc.getValue();
  }

  private static boolean readFully(FileChannel channel, ByteBuffer target, long offsetBytes)
      throws IOException {
    long at = offsetBytes;
    while (target.hasRemaining()) {
      int read = channel.read(target, at);
      if (read <= 0) {
        return false;
      }
      at += read;
    }
    return true;
  }

  private static void writeFully(FileChannel channel, ByteBuffer source, long offsetBytes)
      throws IOException {
    long at = offsetBytes;
    while (source.hasRemaining()) {
      at += channel.write(source, at);
    }
  }
}
