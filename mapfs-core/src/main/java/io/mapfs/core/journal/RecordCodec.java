package io.mapfs.core.journal;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.hash.Sha256;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The binary form of records, of lists of changes, of inode states and of xattr sets, each usable
 * by itself. Byte by byte in docs/format.md, "Journal records".
 *
 * <p>An encoding is canonical: equal values have equal bytes and one value has one encoding only;
 * {@code decode} refuses any other with {@link MalformedRecordException}. Encodings carry no
 * checksum: what holds them (frame, journal segment, table) does.
 *
 * <p>{@code encode…(…, target)} writes at the buffer's position and advances it; {@code decode…}
 * reads at the position and advances it past the value. Buffers must be big-endian. Nothing is
 * allocated by a count that the remaining bytes do not bear out.
 */
public final class RecordCodec {
  /** "MPJR". */
  private static final int MAGIC = 0x4D50_4A52;

  private static final int RECORD_VERSION = 1;
  private static final int INODE_VERSION = 1;
  private static final int XATTRS_VERSION = 1;

  private static final int OWN_ATTRIBUTES = 1;
  private static final int OWN_DATA = 2;
  private static final int OWN_XATTRS = 4;
  private static final int ALL_FLAGS = OWN_ATTRIBUTES | OWN_DATA | OWN_XATTRS;

  private static final int TIME_BYTES = 8 + 4;
  private static final int INODE_FIXED_BYTES =
      1 + 1 + 1 + 2 + 4 + 4 + 4 + 4 + 8 + 4 * TIME_BYTES + 4 + 8 + 8 + 2;
  private static final int RECORD_FIXED_BYTES = 4 + 2 + 1 + 8 + 8 + 32 + 8;

  /** The shortest change is a kind and an inode number. */
  private static final int MIN_CHANGE_BYTES = 1 + 8;

  private static final long MAX_PAGE = RecordLimits.MAX_FILE_BYTES / Change.PAGE_BYTES;
  private static final long MAX_BLOCK = RecordLimits.MAX_FILE_BYTES / BlockId.BLOCK_BYTES;

  /** The algorithm of a block id, and that the block's own pages follow it. */
  private static final byte WITH_OWN_PAGES = (byte) (0x80 | BlockId.ALGORITHM_SHA256_LEAVES);

  private RecordCodec() {}

  // ---- records ----

  /** Bytes of the record's encoding, its pages left out. */
  public static int encodedBytes(JournalRecord record) {
    return RECORD_FIXED_BYTES
        + record.node().getBytes(StandardCharsets.UTF_8).length
        + encodedBytes(record.changes());
  }

  public static byte[] encode(JournalRecord record) {
    ByteBuffer buffer = ByteBuffer.allocate(encodedBytes(record));
    encode(record, buffer);
    return buffer.array();
  }

  public static void encode(JournalRecord record, ByteBuffer target) {
    byte[] node = record.node().getBytes(StandardCharsets.UTF_8);
    target.putInt(MAGIC).putShort((short) RECORD_VERSION);
    target.put((byte) node.length).put(node);
    target.putLong(record.epoch()).putLong(record.sequence());
    target.put(record.previousHash());
    target.putLong(record.sealedMillis());
    encodeChanges(record.changes(), target);
  }

  public static JournalRecord decode(ByteBuffer source) throws MalformedRecordException {
    return guarded(source, RecordCodec::takeRecord);
  }

  /** SHA-256 of the record's encoding. */
  public static byte[] hash(JournalRecord record) {
    return hash(ByteBuffer.wrap(encode(record)));
  }

  /** SHA-256 of an encoding that is at hand; advances the buffer to its limit. */
  public static byte[] hash(ByteBuffer encoded) {
    MessageDigest digest = Sha256.newDigest();
    digest.update(encoded);
    return digest.digest();
  }

  /** The record's written pages: how many page buffers' worth of bytes travel beside it. */
  public static int pageCount(List<Change> changes) {
    int pages = 0;
    for (Change change : changes) {
      if (change instanceof Change.WritePages write) {
        pages += write.pageCount();
      }
    }
    return pages;
  }

  /**
   * Checks the bytes that travel beside a record against the hashes in it.
   *
   * @param pages whole pages in the record's order; positions are left alone
   * @throws MalformedRecordException if a page is missing, too many, or not the one that was named
   */
  public static void verifyPages(List<Change> changes, List<ByteBuffer> pages)
      throws MalformedRecordException {
    PageWalk walk = new PageWalk(pages);
    MessageDigest digest = Sha256.newDigest();
    for (Change change : changes) {
      if (change instanceof Change.WritePages write) {
        for (int page = 0; page < write.pageCount(); page++) {
          byte[] found = walk.digestPage(digest);
          int at = page * Change.WritePages.HASH_BYTES;
          if (!Arrays.equals(found, 0, found.length, write.pageHashes(), at, at + found.length)) {
            throw new MalformedRecordException(
                "page "
                    + (write.firstPage() + page)
                    + " of inode "
                    + write.ino()
                    + " does not hash to what its record says");
          }
        }
      }
    }
    walk.requireEnd();
  }

  private static JournalRecord takeRecord(ByteBuffer source) throws MalformedRecordException {
    int start = source.position();
    int magic = source.getInt();
    if (magic != MAGIC) {
      throw new MalformedRecordException("not a journal record: it begins with " + magic);
    }
    int version = source.getShort() & 0xFFFF;
    if (version != RECORD_VERSION) {
      throw new MalformedRecordException(
          "journal record of format version " + version + "; this release reads version 1");
    }
    int nodeBytes = source.get() & 0xFF;
    check(nodeBytes >= 1 && nodeBytes <= RecordLimits.MAX_NODE_BYTES, "node name of", nodeBytes);
    byte[] nodeName = take(source, nodeBytes);
    String node = new String(nodeName, StandardCharsets.UTF_8);
    if (!Arrays.equals(node.getBytes(StandardCharsets.UTF_8), nodeName)) {
      throw new MalformedRecordException("node name is not UTF-8");
    }
    long epoch = source.getLong();
    check(epoch >= 0, "epoch", epoch);
    long sequence = source.getLong();
    check(sequence >= 1, "sequence", sequence);
    byte[] previousHash = take(source, JournalRecord.HASH_BYTES);
    long sealedMillis = source.getLong();
    List<Change> changes = takeChanges(source);
    for (Change change : changes) {
      check(
          !(change instanceof Change.PutBlock put) || put.ownPages() == Change.PutBlock.ALL_PAGES,
          "own pages of a block in record",
          sequence);
    }
    for (int i = 1; i < changes.size(); i++) {
      check(
          CanonicalOrder.INSTANCE.compare(changes.get(i - 1), changes.get(i)) < 0,
          "order of change",
          i);
    }
    int pages = pageCount(changes);
    check(pages <= RecordLimits.MAX_PAGES, "page count", pages);
    int bytes = source.position() - start;
    check(bytes <= RecordLimits.MAX_RECORD_BYTES, "record size", bytes);
    return new JournalRecord(node, epoch, sequence, previousHash, sealedMillis, changes);
  }

  // ---- lists of changes ----

  public static int encodedBytes(List<Change> changes) {
    int bytes = 4;
    for (Change change : changes) {
      bytes += encodedBytes(change);
    }
    return bytes;
  }

  public static void encodeChanges(List<Change> changes, ByteBuffer target) {
    target.putInt(changes.size());
    for (Change change : changes) {
      encodeChange(change, target);
    }
  }

  /** Decodes a list of at most {@link RecordLimits#MAX_CHANGES}, in any order. */
  public static List<Change> decodeChanges(ByteBuffer source) throws MalformedRecordException {
    return guarded(source, RecordCodec::takeChanges);
  }

  private static List<Change> takeChanges(ByteBuffer source) throws MalformedRecordException {
    int count = source.getInt();
    check(
        count >= 0
            && count <= RecordLimits.MAX_CHANGES
            && (long) count * MIN_CHANGE_BYTES <= source.remaining(),
        "change count",
        count);
    List<Change> changes = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      changes.add(takeChange(source));
    }
    return changes;
  }

  // ---- one change ----

  public static int encodedBytes(Change change) {
    return MIN_CHANGE_BYTES
        + switch (ChangeKind.of(change)) {
          case DROP_INODE -> 0;
          case PUT_INODE -> encodedBytes(((Change.PutInode) change).state());
          case PUT_XATTRS -> encodedBytes(((Change.PutXattrs) change).xattrs());
          case TRUNCATE_PAGES -> 8;
          case ZERO_PAGES -> 8 + 8;
          case WRITE_PAGES -> 8 + 4 + ((Change.WritePages) change).pageHashes().length;
          case PUT_BLOCK -> 8 + 1 + blockBytes((Change.PutBlock) change);
          case PUT_DENTRY -> 1 + ((Change.PutDentry) change).name().length() + 8 + 1 + 8;
          case PUT_WHITEOUT -> 1 + ((Change.PutWhiteout) change).name().length();
          case DROP_DENTRY -> 1 + ((Change.DropDentry) change).name().length();
        };
  }

  private static int blockBytes(Change.PutBlock put) {
    if (put.id() == null) {
      return 0;
    }
    return BlockId.BYTES + (put.ownPages() == Change.PutBlock.ALL_PAGES ? 0 : Integer.BYTES);
  }

  public static void encodeChange(Change change, ByteBuffer target) {
    ChangeKind kind = ChangeKind.of(change);
    target.put((byte) kind.code());
    switch (kind) {
      case DROP_INODE -> target.putLong(((Change.DropInode) change).ino());
      case PUT_INODE -> {
        Change.PutInode put = (Change.PutInode) change;
        target.putLong(put.ino());
        encodeInode(put.state(), target);
      }
      case PUT_XATTRS -> {
        Change.PutXattrs put = (Change.PutXattrs) change;
        target.putLong(put.ino());
        encodeXattrs(put.xattrs(), target);
      }
      case TRUNCATE_PAGES -> {
        Change.TruncatePages truncate = (Change.TruncatePages) change;
        target.putLong(truncate.ino()).putLong(truncate.firstPage());
      }
      case ZERO_PAGES -> {
        Change.ZeroPages zero = (Change.ZeroPages) change;
        target.putLong(zero.ino()).putLong(zero.firstPage()).putLong(zero.pageCount());
      }
      case WRITE_PAGES -> {
        Change.WritePages write = (Change.WritePages) change;
        target.putLong(write.ino()).putLong(write.firstPage());
        target.putInt(write.pageCount()).put(write.pageHashes());
      }
      case PUT_BLOCK -> {
        Change.PutBlock put = (Change.PutBlock) change;
        target.putLong(put.ino()).putLong(put.blockIndex());
        if (put.id() == null) {
          target.put((byte) 0);
        } else if (put.ownPages() == Change.PutBlock.ALL_PAGES) {
          target.put(BlockId.ALGORITHM_SHA256_LEAVES);
          put.id().putInto(target);
        } else {
          target.put(WITH_OWN_PAGES);
          put.id().putInto(target);
          target.putInt(put.ownPages());
        }
      }
      case PUT_DENTRY -> {
        Change.PutDentry put = (Change.PutDentry) change;
        target.putLong(put.parentIno());
        encodeName(put.name(), target);
        target.putLong(put.ino()).put((byte) put.type().code()).putLong(put.cookie());
      }
      case PUT_WHITEOUT -> {
        Change.PutWhiteout put = (Change.PutWhiteout) change;
        target.putLong(put.parentIno());
        encodeName(put.name(), target);
      }
      case DROP_DENTRY -> {
        Change.DropDentry drop = (Change.DropDentry) change;
        target.putLong(drop.parentIno());
        encodeName(drop.name(), target);
      }
    }
  }

  public static Change decodeChange(ByteBuffer source) throws MalformedRecordException {
    return guarded(source, RecordCodec::takeChange);
  }

  private static Change takeChange(ByteBuffer source) throws MalformedRecordException {
    int code = source.get();
    ChangeKind kind = ChangeKind.ofCode(code);
    check(kind != null, "kind of change", code);
    long ino = takeIno(source);
    return switch (kind) {
      case DROP_INODE -> new Change.DropInode(ino);
      case PUT_INODE -> new Change.PutInode(ino, takeInode(source));
      case PUT_XATTRS -> new Change.PutXattrs(ino, takeXattrs(source));
      case TRUNCATE_PAGES -> new Change.TruncatePages(ino, takePage(source));
      case ZERO_PAGES -> {
        long firstPage = takePage(source);
        long pageCount = source.getLong();
        check(pageCount >= 1 && pageCount <= MAX_PAGE - firstPage, "page count", pageCount);
        yield new Change.ZeroPages(ino, firstPage, pageCount);
      }
      case WRITE_PAGES -> {
        long firstPage = takePage(source);
        int pageCount = source.getInt();
        check(
            pageCount >= 1
                && pageCount <= RecordLimits.MAX_PAGES
                && pageCount <= MAX_PAGE - firstPage,
            "page count",
            pageCount);
        yield new Change.WritePages(
            ino, firstPage, take(source, pageCount * Change.WritePages.HASH_BYTES));
      }
      case PUT_BLOCK -> {
        long blockIndex = source.getLong();
        check(blockIndex >= 0 && blockIndex <= MAX_BLOCK, "block index", blockIndex);
        int algorithm = source.get();
        yield switch (algorithm) {
          case 0 -> new Change.PutBlock(ino, blockIndex, null);
          case BlockId.ALGORITHM_SHA256_LEAVES ->
              new Change.PutBlock(ino, blockIndex, BlockId.take(source));
          case WITH_OWN_PAGES -> {
            BlockId id = BlockId.take(source);
            int ownPages = source.getInt();
            check(ownPages != Change.PutBlock.ALL_PAGES, "own pages", ownPages);
            yield new Change.PutBlock(ino, blockIndex, id, ownPages);
          }
          default -> throw malformed("block id's algorithm", algorithm);
        };
      }
      case PUT_DENTRY -> {
        Name name = takeEntryName(source);
        long child = takeIno(source);
        FileType type = takeType(source);
        long cookie = source.getLong();
        check(cookie >= 0, "cookie", cookie);
        yield new Change.PutDentry(ino, name, child, type, cookie);
      }
      case PUT_WHITEOUT -> new Change.PutWhiteout(ino, takeEntryName(source));
      case DROP_DENTRY -> new Change.DropDentry(ino, takeEntryName(source));
    };
  }

  // ---- inode states ----

  public static int encodedBytes(InodeState state) {
    return INODE_FIXED_BYTES + (state.symlinkTarget() == null ? 0 : state.symlinkTarget().length);
  }

  public static byte[] encodeInode(InodeState state) {
    ByteBuffer buffer = ByteBuffer.allocate(encodedBytes(state));
    encodeInode(state, buffer);
    return buffer.array();
  }

  public static void encodeInode(InodeState state, ByteBuffer target) {
    int flags =
        (state.ownAttributes() ? OWN_ATTRIBUTES : 0)
            | (state.ownData() ? OWN_DATA : 0)
            | (state.ownXattrs() ? OWN_XATTRS : 0);
    byte[] symlinkTarget = state.symlinkTarget() == null ? new byte[0] : state.symlinkTarget();
    target.put((byte) INODE_VERSION).put((byte) state.type().code()).put((byte) flags);
    target.putShort((short) state.permissions()).putInt(state.uid()).putInt(state.gid());
    target.putInt(state.nlinkDelta()).putInt(state.rdev()).putLong(state.sizeBytes());
    encodeTime(state.atime(), target);
    encodeTime(state.mtime(), target);
    encodeTime(state.ctime(), target);
    encodeTime(state.btime(), target);
    target.putInt(state.baseVersion()).putLong(state.baseLimitBytes()).putLong(state.parentIno());
    target.putShort((short) symlinkTarget.length).put(symlinkTarget);
  }

  public static InodeState decodeInode(ByteBuffer source) throws MalformedRecordException {
    return guarded(source, RecordCodec::takeInode);
  }

  private static InodeState takeInode(ByteBuffer source) throws MalformedRecordException {
    int version = source.get();
    check(version == INODE_VERSION, "inode state of format version", version);
    FileType type = takeType(source);
    int flags = source.get();
    check((flags & ~ALL_FLAGS) == 0, "inode flags", flags);
    int permissions = source.getShort();
    check((permissions & ~07777) == 0, "permissions", permissions);
    int uid = source.getInt();
    int gid = source.getInt();
    int nlinkDelta = source.getInt();
    int rdev = source.getInt();
    long sizeBytes = source.getLong();
    check(sizeBytes >= 0 && sizeBytes <= RecordLimits.MAX_FILE_BYTES, "file size", sizeBytes);
    FileTime atime = takeTime(source);
    FileTime mtime = takeTime(source);
    FileTime ctime = takeTime(source);
    FileTime btime = takeTime(source);
    int baseVersion = source.getInt();
    check(baseVersion >= 0, "base version", baseVersion);
    long baseLimitBytes = source.getLong();
    check(
        baseLimitBytes >= 0 && baseLimitBytes <= RecordLimits.MAX_FILE_BYTES,
        "base limit",
        baseLimitBytes);
    long parentIno = source.getLong();
    check(parentIno >= 0, "parent inode", parentIno);
    int targetBytes = source.getShort() & 0xFFFF;
    check(targetBytes <= RecordLimits.MAX_SYMLINK_BYTES, "symlink target of", targetBytes);
    byte[] symlinkTarget = targetBytes == 0 ? null : take(source, targetBytes);
    return new InodeState(
        type,
        (flags & OWN_ATTRIBUTES) != 0,
        (flags & OWN_DATA) != 0,
        (flags & OWN_XATTRS) != 0,
        permissions,
        uid,
        gid,
        nlinkDelta,
        rdev,
        sizeBytes,
        atime,
        mtime,
        ctime,
        btime,
        symlinkTarget,
        baseVersion,
        baseLimitBytes,
        parentIno);
  }

  // ---- xattr sets ----

  public static int encodedBytes(SortedMap<Name, byte[]> xattrs) {
    int bytes = 1 + 2;
    for (Map.Entry<Name, byte[]> xattr : xattrs.entrySet()) {
      bytes += 1 + xattr.getKey().length() + 4 + xattr.getValue().length;
    }
    return bytes;
  }

  public static byte[] encodeXattrs(SortedMap<Name, byte[]> xattrs) {
    ByteBuffer buffer = ByteBuffer.allocate(encodedBytes(xattrs));
    encodeXattrs(xattrs, buffer);
    return buffer.array();
  }

  public static void encodeXattrs(SortedMap<Name, byte[]> xattrs, ByteBuffer target) {
    target.put((byte) XATTRS_VERSION).putShort((short) xattrs.size());
    for (Map.Entry<Name, byte[]> xattr : xattrs.entrySet()) {
      encodeName(xattr.getKey(), target);
      target.putInt(xattr.getValue().length).put(xattr.getValue());
    }
  }

  public static SortedMap<Name, byte[]> decodeXattrs(ByteBuffer source)
      throws MalformedRecordException {
    return guarded(source, RecordCodec::takeXattrs);
  }

  private static SortedMap<Name, byte[]> takeXattrs(ByteBuffer source)
      throws MalformedRecordException {
    int start = source.position();
    int version = source.get();
    check(version == XATTRS_VERSION, "xattr set of format version", version);
    int count = source.getShort() & 0xFFFF;
    TreeMap<Name, byte[]> xattrs = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      Name name = takeName(source);
      check(xattrs.isEmpty() || xattrs.lastKey().compareTo(name) < 0, "order of xattr", i);
      int valueBytes = source.getInt();
      check(
          valueBytes >= 0 && valueBytes <= RecordLimits.MAX_XATTR_VALUE_BYTES,
          "xattr value of",
          valueBytes);
      xattrs.put(name, take(source, valueBytes));
    }
    int bytes = source.position() - start;
    check(bytes <= RecordLimits.MAX_XATTRS_BYTES, "xattr set of", bytes);
    return xattrs;
  }

  // ---- parts ----

  private static void encodeName(Name name, ByteBuffer target) {
    target.put((byte) name.length());
    name.putInto(target);
  }

  private static Name takeName(ByteBuffer source) throws MalformedRecordException {
    int length = source.get() & 0xFF;
    check(length >= 1 && length <= source.remaining(), "name of", length);
    return Name.take(source, length);
  }

  private static Name takeEntryName(ByteBuffer source) throws MalformedRecordException {
    Name name = takeName(source);
    if (!name.isValidEntry()) {
      throw new MalformedRecordException("not a directory entry's name: " + name);
    }
    return name;
  }

  private static void encodeTime(FileTime time, ByteBuffer target) {
    target.putLong(time.seconds()).putInt(time.nanos());
  }

  private static FileTime takeTime(ByteBuffer source) throws MalformedRecordException {
    long seconds = source.getLong();
    int nanos = source.getInt();
    check(nanos >= 0 && nanos <= 999_999_999, "nanoseconds", nanos);
    return new FileTime(seconds, nanos);
  }

  private static FileType takeType(ByteBuffer source) throws MalformedRecordException {
    int code = source.get();
    FileType type = FileType.ofCode(code);
    check(type != null, "file type", code);
    return type;
  }

  private static long takeIno(ByteBuffer source) throws MalformedRecordException {
    long ino = source.getLong();
    check(ino > 0, "inode number", ino);
    return ino;
  }

  private static long takePage(ByteBuffer source) throws MalformedRecordException {
    long page = source.getLong();
    check(page >= 0 && page <= MAX_PAGE, "page", page);
    return page;
  }

  private static byte[] take(ByteBuffer source, int length) {
    if (length > source.remaining()) {
      throw new BufferUnderflowException();
    }
    byte[] bytes = new byte[length];
    source.get(bytes);
    return bytes;
  }

  private static void check(boolean holds, String what, long value)
      throws MalformedRecordException {
    if (!holds) {
      throw malformed(what, value);
    }
  }

  private static MalformedRecordException malformed(String what, long value) {
    return new MalformedRecordException("malformed journal data: " + what + " " + value);
  }

  private interface Decoder<T> {
    T take(ByteBuffer source) throws MalformedRecordException;
  }

  /** Runs a decoder; bytes that end too early are malformed, too. */
  private static <T> T guarded(ByteBuffer source, Decoder<T> decoder)
      throws MalformedRecordException {
    if (source.order() != ByteOrder.BIG_ENDIAN) {
      throw new IllegalArgumentException("the buffer is not big-endian");
    }
    int start = source.position();
    try {
      return decoder.take(source);
    } catch (BufferUnderflowException e) {
      throw new MalformedRecordException(
          "malformed journal data: cut short after " + (source.limit() - start) + " bytes");
    }
  }

  /** Walks over pages that lie in one or more buffers; a page may not span two of them. */
  private static final class PageWalk {
    private final List<ByteBuffer> buffers;
    private int index;
    private int at;

    PageWalk(List<ByteBuffer> buffers) {
      this.buffers = buffers;
    }

    byte[] digestPage(MessageDigest digest) throws MalformedRecordException {
      while (index < buffers.size() && at == buffers.get(index).remaining()) {
        index++;
        at = 0;
      }
      if (index == buffers.size() || buffers.get(index).remaining() - at < Change.PAGE_BYTES) {
        throw new MalformedRecordException("the record's pages are cut short");
      }
      ByteBuffer buffer = buffers.get(index);
      digest.update(buffer.slice(buffer.position() + at, Change.PAGE_BYTES));
      at += Change.PAGE_BYTES;
      return digest.digest();
    }

    void requireEnd() throws MalformedRecordException {
      while (index < buffers.size() && at == buffers.get(index).remaining()) {
        index++;
        at = 0;
      }
      if (index < buffers.size()) {
        throw new MalformedRecordException("more pages than the record names");
      }
    }
  }
}
