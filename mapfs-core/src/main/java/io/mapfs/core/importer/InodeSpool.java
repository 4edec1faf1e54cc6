package io.mapfs.core.importer;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A temporary file with the metadata and block ids of inodes, until their numbers are known. First
 * written, then read; for one thread.
 *
 * <p>Per inode: an entry of 36 bytes for each block that is no hole (u32 index, 32 bytes id), in
 * order, then a record that ends with targets and xattrs. Big-endian.
 */
final class InodeSpool implements Closeable {
  private static final int ENTRY_BYTES = 4 + BlockId.BYTES;

  /** A record without its length, target and xattrs. */
  private static final int FIXED_BYTES = 72;

  private static final int BUFFER_BYTES = 1 << 20;
  private static final long ABSENT = -1;

  private final FileChannel channel;
  private ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);

  /** File offset of the buffer's start. */
  private long bufferAt;

  private long fileStart;
  private int fileBlocks;
  private long[] recordAt = new long[1024];

  InodeSpool(Path file) throws IOException {
    channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE);
    Arrays.fill(recordAt, ABSENT);
  }

  /** Adds a block of the file whose record comes next. */
  void addBlock(int index, BlockId id) throws IOException {
    room(ENTRY_BYTES);
    buffer.putInt(index);
    id.putInto(buffer);
    fileBlocks++;
  }

  /** Forgets the blocks added since the last record. */
  void discardBlocks() throws IOException {
    if (fileStart >= bufferAt) {
      buffer.position((int) (fileStart - bufferAt));
    } else {
      buffer.clear();
      bufferAt = fileStart;
    }
    fileBlocks = 0;
  }

  /** Puts an inode's record; replaces an older one. */
  void put(int inode, Metadata metadata) throws IOException {
    byte[] target = metadata.symlinkTarget() == null ? new byte[0] : metadata.symlinkTarget();
    int length = FIXED_BYTES + target.length;
    for (Map.Entry<Name, byte[]> xattr : metadata.xattrs().entrySet()) {
      length += 5 + xattr.getKey().length() + xattr.getValue().length;
    }
    room(4 + length);
    if (inode >= recordAt.length) {
      int old = recordAt.length;
      recordAt = Arrays.copyOf(recordAt, Math.max(inode + 1, old * 2));
      Arrays.fill(recordAt, old, recordAt.length, ABSENT);
    }
    recordAt[inode] = bufferAt + buffer.position();
    buffer
        .putInt(length)
        .putInt(fileBlocks)
        .putInt(metadata.type().modeBits() | metadata.permissions())
        .putInt(metadata.uid())
        .putInt(metadata.gid())
        .putInt(metadata.rdev())
        .putLong(metadata.sizeBytes());
    putTime(metadata.mtime());
    putTime(metadata.ctime());
    putTime(metadata.btime());
    buffer.putInt(target.length).put(target).putInt(metadata.xattrs().size());
    for (Map.Entry<Name, byte[]> xattr : metadata.xattrs().entrySet()) {
      buffer.put((byte) xattr.getKey().length());
      xattr.getKey().putInto(buffer);
      buffer.putInt(xattr.getValue().length).put(xattr.getValue());
    }
    fileStart = bufferAt + buffer.position();
    fileBlocks = 0;
  }

  private void putTime(FileTime time) {
    buffer.putLong(time.seconds()).putInt(time.nanos());
  }

  private void room(int bytes) throws IOException {
    if (buffer.remaining() < bytes) {
      flush();
      if (buffer.capacity() < bytes) {
        buffer = ByteBuffer.allocateDirect(bytes);
      }
    }
  }

  private void flush() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      bufferAt += channel.write(buffer, bufferAt);
    }
    buffer.clear();
  }

  /** Ends writing; {@link #get} works from here on. */
  void finish() throws IOException {
    flush();
    buffer.limit(0);
  }

  /** An inode as it was put. */
  record Spooled(Metadata metadata, List<BlockId> blocks) {}

  /**
   * Reads an inode back. Cheap in the order of writing.
   *
   * @return {@code null} where it was never put
   */
  Spooled get(int inode) throws IOException {
    if (inode >= recordAt.length || recordAt[inode] == ABSENT) {
      return null;
    }
    long at = recordAt[inode];
    int length = window(at, 4).getInt();
    ByteBuffer record = window(at + 4, length);
    final int entries = record.getInt();
    int mode = record.getInt();
    FileType type = FileType.ofMode(mode);
    int uid = record.getInt();
    int gid = record.getInt();
    int rdev = record.getInt();
    long size = record.getLong();
    FileTime mtime = takeTime(record);
    FileTime ctime = takeTime(record);
    FileTime btime = takeTime(record);
    byte[] target = new byte[record.getInt()];
    record.get(target);
    Metadata metadata =
        new Metadata(
            type,
            mode & 07777,
            uid,
            gid,
            rdev,
            size,
            mtime,
            ctime,
            btime,
            type == FileType.SYMLINK ? target : null,
            takeXattrs(record));
    List<BlockId> blocks = List.of();
    if (type == FileType.REGULAR && size > 0) {
      int count = (int) ((size + BlockId.BLOCK_BYTES - 1) / BlockId.BLOCK_BYTES);
      blocks = new Blocks(at - (long) entries * ENTRY_BYTES, entries, count);
    }
    return new Spooled(metadata, blocks);
  }

  private static FileTime takeTime(ByteBuffer record) {
    return new FileTime(record.getLong(), record.getInt());
  }

  private static SortedMap<Name, byte[]> takeXattrs(ByteBuffer record) {
    int count = record.getInt();
    if (count == 0) {
      return Collections.emptySortedMap();
    }
    SortedMap<Name, byte[]> xattrs = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      Name name = Name.take(record, record.get() & 0xff);
      byte[] value = new byte[record.getInt()];
      record.get(value);
      xattrs.put(name, value);
    }
    return xattrs;
  }

  /** The buffer with {@code length} bytes of the file from {@code at} on. */
  private ByteBuffer window(long at, int length) throws IOException {
    long windowEnd = bufferAt + buffer.limit();
    if (at < bufferAt || at + length > windowEnd) {
      if (buffer.capacity() < length) {
        buffer = ByteBuffer.allocateDirect(length);
      }
      buffer.clear();
      bufferAt = at;
      while (buffer.position() < length) {
        if (channel.read(buffer, at + buffer.position()) < 0) {
          throw new IOException("the spool file was cut off");
        }
      }
      buffer.flip();
    }
    ByteBuffer part = buffer.duplicate();
    int start = (int) (at - bufferAt);
    return part.limit(start + length).position(start);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  /** The blocks of one file, holes included; meant to be walked once, from the start. */
  private final class Blocks extends AbstractList<BlockId> {
    private final long start;
    private final int entries;
    private final int count;
    private int entry;

    Blocks(long start, int entries, int count) {
      this.start = start;
      this.entries = entries;
      this.count = count;
    }

    @Override
    public int size() {
      return count;
    }

    @Override
    public BlockId get(int index) {
      if (index < 0 || index >= count) {
        throw new IndexOutOfBoundsException(index);
      }
      try {
        if (entry > 0 && indexOf(entry - 1) >= index) {
          entry = 0;
        }
        while (entry < entries && indexOf(entry) < index) {
          entry++;
        }
        if (entry == entries || indexOf(entry) != index) {
          return null;
        }
        return BlockId.take(window(start + (long) entry * ENTRY_BYTES + 4, BlockId.BYTES));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private int indexOf(int at) throws IOException {
      return window(start + (long) at * ENTRY_BYTES, ENTRY_BYTES).getInt();
    }
  }
}
