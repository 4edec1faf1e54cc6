package io.mapfs.server.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.journal.RecordCodec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.SortedMap;

/**
 * What a row says. Encoded as a byte that tells which, then:
 *
 * <pre>
 *   0 gone      nothing: the row was, and is not any more
 *   1 inode     an inode state (docs/format.md, "Journal records")
 *   2 xattrs    an xattr set (likewise)
 *   3 block     u8 origin (0 folded, 1 named by a record), u32 length, 32 bytes id, u32 own pages
 *   4 zeros     nothing: the block reads as zeros
 *   5 name      u64 inode, u8 type, u64 cookie
 *   6 whiteout  nothing
 * </pre>
 */
public sealed interface Row {
  /** The row was deleted. */
  record Gone() implements Row {
    public static final Gone INSTANCE = new Gone();
  }

  record Inode(InodeState state) implements Row {}

  record Xattrs(SortedMap<Name, byte[]> xattrs) implements Row {}

  /**
   * A whole block of a file's own.
   *
   * @param named whether a record named it, rather than the appliance having folded it
   * @param rawBytes its content's length
   * @param pages one bit a page, the first lowest: what the overlay wrote itself; the rest is a
   *     copy of the version's
   */
  record Block(BlockId id, int rawBytes, boolean named, int pages) implements Row {}

  /** The bits of the pages that a range of a block's bytes touches. */
  static int pages(int fromBytes, int toBytes) {
    int first = fromBytes / Change.PAGE_BYTES;
    int end = (toBytes + Change.PAGE_BYTES - 1) / Change.PAGE_BYTES;
    return first < end ? (int) ((-1L << first) & ((1L << end) - 1)) : 0;
  }

  /** A block of zeros, whatever the version below has there. */
  record Zeros() implements Row {
    static final Zeros INSTANCE = new Zeros();
  }

  record Dentry(long ino, FileType type, long cookie) implements Row {}

  record Whiteout() implements Row {
    public static final Whiteout INSTANCE = new Whiteout();
  }

  /** Content bytes that it owns, counted in pages as the node does. */
  default long ownBytes() {
    return this instanceof Block block
        ? Math.min(block.rawBytes(), (long) Integer.bitCount(block.pages()) * Change.PAGE_BYTES)
        : 0;
  }

  /** Whether it counts as an entry: an inode that differs, or a hidden name. */
  default boolean isEntry() {
    return this instanceof Inode || this instanceof Whiteout;
  }

  default byte[] encode() {
    if (this instanceof Gone) {
      return new byte[] {0};
    } else if (this instanceof Inode inode) {
      ByteBuffer buffer = ByteBuffer.allocate(1 + RecordCodec.encodedBytes(inode.state()));
      RecordCodec.encodeInode(inode.state(), buffer.put((byte) 1));
      return buffer.array();
    } else if (this instanceof Xattrs set) {
      ByteBuffer buffer = ByteBuffer.allocate(1 + RecordCodec.encodedBytes(set.xattrs()));
      RecordCodec.encodeXattrs(set.xattrs(), buffer.put((byte) 2));
      return buffer.array();
    } else if (this instanceof Block block) {
      ByteBuffer buffer = ByteBuffer.allocate(1 + 1 + 2 * Integer.BYTES + BlockId.BYTES);
      buffer.put((byte) 3).put((byte) (block.named() ? 1 : 0)).putInt(block.rawBytes());
      block.id().putInto(buffer);
      return buffer.putInt(block.pages()).array();
    } else if (this instanceof Zeros) {
      return new byte[] {4};
    } else if (this instanceof Dentry name) {
      return ByteBuffer.allocate(1 + Long.BYTES + 1 + Long.BYTES)
          .put((byte) 5)
          .putLong(name.ino())
          .put((byte) name.type().code())
          .putLong(name.cookie())
          .array();
    }
    return new byte[] {6};
  }

  /** Reads what {@link #encode} wrote. */
  static Row decode(byte[] value) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(value);
    byte tag = buffer.get();
    return switch (tag) {
      case 0 -> Gone.INSTANCE;
      case 1 -> new Inode(RecordCodec.decodeInode(buffer));
      case 2 -> new Xattrs(RecordCodec.decodeXattrs(buffer));
      case 3 -> {
        boolean named = buffer.get() != 0;
        int rawBytes = buffer.getInt();
        BlockId id = BlockId.take(buffer);
        // Earlier releases wrote no pages: all are the overlay's then.
        yield new Block(
            id, rawBytes, named, buffer.hasRemaining() ? buffer.getInt() : pages(0, rawBytes));
      }
      case 4 -> Zeros.INSTANCE;
      case 5 -> {
        long ino = buffer.getLong();
        FileType type = FileType.ofCode(buffer.get());
        yield new Dentry(ino, type, buffer.getLong());
      }
      case 6 -> Whiteout.INSTANCE;
      default ->
          throw new IOException("a row of unknown kind " + tag + ": is it of a newer release?");
    };
  }
}
