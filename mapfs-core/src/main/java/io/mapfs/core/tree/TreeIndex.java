package io.mapfs.core.tree;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.hash.Sha256;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.SortedMap;

/**
 * A tree index file, mapped. It costs a page's bit per 64 KiB of heap and address space, no more;
 * the mapping ends when the object is collected.
 *
 * <p>Every method but {@link #open} may throw {@link CorruptTreeException}. What it returns was
 * verified against the root hash.
 */
public final class TreeIndex implements RepositoryTree {
  private final Path file;
  private final TreePages pages;
  private final TreeSection inodes;
  private final TreeSection dentries;
  private final TreeSection names;
  private final TreeSection targets;
  private final TreeSection xattrs;
  private final TreeSection blocks;
  private final byte[] rootHash;
  private final long fileBytes;
  private final String master;
  private final int version;
  private final int inodeCount;
  private final long entryCount;
  private final long contentBytes;
  private final long nextIno;
  private final long lastIno;

  /**
   * Opens a file whose root hash is known.
   *
   * @throws IOException if it is another tree, not whole, damaged, or of a newer format
   */
  public static TreeIndex open(Path file, byte[] expectedRootHash) throws IOException {
    return open(file, expectedRootHash, TreeRepair.NONE);
  }

  /**
   * The same; pages that are found damaged later are fetched anew and put right in the file.
   *
   * @throws IOException as above: header and page hashes are not repaired
   */
  public static TreeIndex open(Path file, byte[] expectedRootHash, TreeRepair repair)
      throws IOException {
    TreeIndex index = open(file, repair);
    if (!Arrays.equals(index.rootHash, expectedRootHash)) {
      throw new IOException(
          "tree index "
              + file
              + " is not the one that is asked for: its root hash is "
              + HexFormat.of().formatHex(index.rootHash)
              + ", not "
              + HexFormat.of().formatHex(expectedRootHash));
    }
    return index;
  }

  /**
   * Opens a file and believes the root hash that it carries.
   *
   * @throws IOException if it is not whole, damaged, or of a newer format
   */
  public static TreeIndex open(Path file) throws IOException {
    return open(file, TreeRepair.NONE);
  }

  private static TreeIndex open(Path file, TreeRepair repair) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return new TreeIndex(file, channel, repair);
    }
  }

  private TreeIndex(Path file, FileChannel channel, TreeRepair repair) throws IOException {
    this.file = file;
    fileBytes = channel.size();
    if (fileBytes < TreeFormat.HEADER_BYTES + 2 * TreeFormat.HASH_BYTES) {
      throw malformed("it has " + fileBytes + " bytes, less than a header");
    }
    ByteBuffer header = read(channel, 0, TreeFormat.HEADER_BYTES);
    if (header.getInt(0) != TreeFormat.MAGIC) {
      throw new IOException("file " + file + " is not a tree index");
    }
    int format = header.getShort(TreeFormat.HEADER_FORMAT_VERSION) & 0xffff;
    if (format != TreeFormat.VERSION) {
      throw new IOException(
          "tree index "
              + file
              + " has format version "
              + format
              + ", this program reads version "
              + TreeFormat.VERSION
              + ": update the program");
    }
    long pagesEnd = header.getLong(TreeFormat.HEADER_PAGES_END);
    long pageCount = (pagesEnd + TreeFormat.PAGE_BYTES - 1) >>> TreeFormat.PAGE_SHIFT;
    if (pagesEnd < TreeFormat.HEADER_BYTES
        || pagesEnd > fileBytes
        || fileBytes != pagesEnd + (pageCount + 1) * TreeFormat.HASH_BYTES) {
      throw malformed(
          "it has " + fileBytes + " bytes, which does not fit its header: it was cut or damaged");
    }
    byte[] hashes = new byte[Math.toIntExact(pageCount * TreeFormat.HASH_BYTES)];
    read(channel, pagesEnd, hashes.length).get(hashes);
    rootHash = new byte[TreeFormat.HASH_BYTES];
    read(channel, pagesEnd + hashes.length, rootHash.length).get(rootHash);
    MessageDigest digest = Sha256.newDigest();
    digest.update(header.duplicate());
    if (!Arrays.equals(digest.digest(hashes), rootHash)) {
      throw malformed("its header or page hashes do not have the root hash at its end");
    }

    // The header is now known to be what was written.
    version = header.getInt(TreeFormat.HEADER_TREE_VERSION);
    inodeCount = header.getInt(TreeFormat.HEADER_INODE_COUNT);
    entryCount = header.getLong(TreeFormat.HEADER_ENTRY_COUNT);
    contentBytes = header.getLong(TreeFormat.HEADER_CONTENT_BYTES);
    nextIno = header.getLong(TreeFormat.HEADER_NEXT_INO);
    byte[] masterBytes = new byte[header.get(TreeFormat.HEADER_MASTER) & 0xff];
    if (masterBytes.length > TreeFormat.MASTER_BYTES_MAX) {
      throw malformed("its master's name has " + masterBytes.length + " bytes");
    }
    header.get(TreeFormat.HEADER_MASTER + 1, masterBytes);
    master = new String(masterBytes, UTF_8);
    pages = new TreePages(file, channel, pagesEnd, hashes, repair);
    TreeSection[] sections = new TreeSection[TreeFormat.SECTION_COUNT];
    for (int i = 0; i < sections.length; i++) {
      sections[i] = section(channel, header, i, pagesEnd);
    }
    inodes = sections[TreeFormat.SECTION_INODES];
    dentries = sections[TreeFormat.SECTION_DENTRIES];
    names = sections[TreeFormat.SECTION_NAMES];
    targets = sections[TreeFormat.SECTION_TARGETS];
    xattrs = sections[TreeFormat.SECTION_XATTRS];
    blocks = sections[TreeFormat.SECTION_BLOCKS];
    if (inodeCount < 1
        || inodes.length() != (long) inodeCount * TreeFormat.INODE_BYTES
        || dentries.length() != entryCount * TreeFormat.DENTRY_BYTES
        || blocks.length() % BlockId.BYTES != 0) {
      throw malformed("its sections do not have the lengths that its counts ask for");
    }
    lastIno = ino(inodeCount - 1);
  }

  private TreeSection section(FileChannel channel, ByteBuffer header, int section, long pagesEnd)
      throws IOException {
    long offset = header.getLong(TreeFormat.HEADER_SECTIONS + 16 * section);
    long length = header.getLong(TreeFormat.HEADER_SECTIONS + 16 * section + 8);
    if (offset < TreeFormat.HEADER_BYTES
        || (offset & 7) != 0
        || length < 0
        || length > Integer.MAX_VALUE
        || offset > pagesEnd - length) {
      throw malformed("its section of " + TreeFormat.SECTION_NAME[section] + " lies outside");
    }
    ByteBuffer bytes =
        length == 0 ? ByteBuffer.allocate(0) : channel.map(MapMode.READ_ONLY, offset, length);
    return new TreeSection(bytes, offset, pages);
  }

  private ByteBuffer read(FileChannel channel, long offset, int length) throws IOException {
    ByteBuffer target = ByteBuffer.allocate(length);
    while (target.hasRemaining()) {
      if (channel.read(target, offset + target.position()) < 0) {
        throw malformed("it ends early");
      }
    }
    return target.flip();
  }

  private IOException malformed(String what) {
    return new IOException(
        "tree index " + file + " is damaged: " + what + "; fetch or restore the file");
  }

  public Path file() {
    return file;
  }

  public long fileBytes() {
    return fileBytes;
  }

  /** SHA-256 over the header and the page hashes: stands for the whole tree. */
  public byte[] rootHash() {
    return rootHash.clone();
  }

  /** The master's counter: the number that its next new inode gets. */
  public long nextIno() {
    return nextIno;
  }

  /**
   * Verifies every page, and that what they say is a tree: counts, order, ranges.
   *
   * @throws CorruptTreeException at the first fault
   */
  public void verifyAll() {
    for (int page = 0; page < pages.count(); page++) {
      pages.verify(page);
    }
    new TreeStructureCheck(this).run();
  }

  @Override
  public String master() {
    return master;
  }

  @Override
  public int version() {
    return version;
  }

  @Override
  public int inodeCount() {
    return inodeCount;
  }

  @Override
  public long entryCount() {
    return entryCount;
  }

  @Override
  public long contentBytes() {
    return contentBytes;
  }

  /**
   * Interpolates: numbers are dense but for what later versions removed. Falls back to halving, so
   * that no distribution of numbers makes it slow.
   */
  @Override
  public int slotOf(long ino) {
    if (ino < NodeId.ROOT || ino > lastIno) {
      return NONE;
    }
    int low = 0;
    int high = inodeCount - 1;
    long lowIno = NodeId.ROOT;
    long highIno = lastIno;
    for (int step = 0; low <= high && ino >= lowIno && ino <= highIno; step++) {
      int middle;
      if (step < 8 && highIno > lowIno) {
        middle = low + (int) ((double) (ino - lowIno) * (high - low) / (highIno - lowIno));
      } else {
        middle = (low + high) >>> 1;
      }
      long found = ino(middle);
      if (found == ino) {
        return middle;
      }
      if (found < ino) {
        low = middle + 1;
        lowIno = found + 1;
      } else {
        high = middle - 1;
        highIno = found - 1;
      }
    }
    return NONE;
  }

  @Override
  public int lookup(int directorySlot, Name name) {
    int record = record(directorySlot);
    if (typeAt(record) != FileType.DIRECTORY) {
      return NONE;
    }
    int low = inodes.getInt(record + TreeFormat.INODE_CONTENT);
    int high = low + inodes.getInt(record + TreeFormat.INODE_CONTENT_COUNT) - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int order = compareName(middle, name);
      if (order == 0) {
        return dentrySlot(middle);
      }
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return NONE;
  }

  @Override
  public long ino(int slot) {
    return inodes.getLong(record(slot) + TreeFormat.INODE_INO);
  }

  @Override
  public FileType type(int slot) {
    return typeAt(record(slot));
  }

  @Override
  public Attributes attributes(int slot) {
    int record = record(slot);
    int mode = inodes.getShort(record + TreeFormat.INODE_MODE) & 0xffff;
    FileType type = FileType.ofMode(mode);
    long size = inodes.getLong(record + TreeFormat.INODE_SIZE);
    return new Attributes(
        NodeId.of(inodes.getLong(record + TreeFormat.INODE_INO), 0),
        type,
        mode & 07777,
        inodes.getInt(record + TreeFormat.INODE_UID),
        inodes.getInt(record + TreeFormat.INODE_GID),
        inodes.getInt(record + TreeFormat.INODE_NLINK),
        inodes.getInt(record + TreeFormat.INODE_RDEV),
        size,
        type == FileType.REGULAR ? allocatedBytes(record) : 0,
        time(record, 0),
        time(record, 1),
        time(record, 2),
        time(record, 3));
  }

  private long allocatedBytes(int record) {
    long pages = inodes.getInt(record + TreeFormat.INODE_CONTENT_COUNT);
    return pages * TreeFormat.SPACE_BYTES;
  }

  private FileTime time(int record, int which) {
    return new FileTime(
        inodes.getLong(record + TreeFormat.INODE_SECONDS + 8 * which),
        inodes.getInt(record + TreeFormat.INODE_NANOS + 4 * which));
  }

  /** The root is its own parent. */
  @Override
  public long parentIno(int slot) {
    return ino(parentSlot(slot));
  }

  /** Slot of {@link #parentIno}. */
  public int parentSlot(int slot) {
    return inodes.getInt(record(slot) + TreeFormat.INODE_PARENT);
  }

  @Override
  public Name name(int slot) {
    int dentry = inodes.getInt(record(slot) + TreeFormat.INODE_DENTRY);
    return dentry == TreeFormat.NONE ? null : dentryName(dentry);
  }

  @Override
  public int childCount(int directorySlot) {
    int record = record(directorySlot);
    return typeAt(record) == FileType.DIRECTORY
        ? inodes.getInt(record + TreeFormat.INODE_CONTENT_COUNT)
        : 0;
  }

  @Override
  public Name childName(int directorySlot, int index) {
    return dentryName(dentry(directorySlot, index));
  }

  @Override
  public int childSlot(int directorySlot, int index) {
    return dentrySlot(dentry(directorySlot, index));
  }

  @Override
  public int childIndex(int directorySlot, Name name) {
    int count = childCount(directorySlot);
    int first = inodes.getInt(record(directorySlot) + TreeFormat.INODE_CONTENT);
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (compareName(first + middle, name) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** {@code null} where the inode is no symlink. */
  @Override
  public byte[] symlinkTarget(int slot) {
    int record = record(slot);
    return typeAt(record) == FileType.SYMLINK
        ? targets.getBytes(
            inodes.getInt(record + TreeFormat.INODE_CONTENT),
            inodes.getInt(record + TreeFormat.INODE_CONTENT_COUNT))
        : null;
  }

  @Override
  public boolean hasXattrs(int slot) {
    return inodes.getInt(record(slot) + TreeFormat.INODE_XATTRS) != TreeFormat.NONE;
  }

  @Override
  public byte[] xattr(int slot, Name name) {
    return hasXattrs(slot) ? xattrs(slot).get(name) : null;
  }

  @Override
  public SortedMap<Name, byte[]> xattrs(int slot) {
    int offset = inodes.getInt(record(slot) + TreeFormat.INODE_XATTRS);
    if (offset == TreeFormat.NONE) {
      return Collections.emptySortedMap();
    }
    return XattrSets.decode(xattrs.getBytes(offset + 4, xattrs.getInt(offset)));
  }

  @Override
  public int blockCount(int slot) {
    int record = record(slot);
    return typeAt(record) == FileType.REGULAR
        ? (int) TreeWriter.blockCountOf(inodes.getLong(record + TreeFormat.INODE_SIZE))
        : 0;
  }

  @Override
  public BlockId block(int slot, int blockIndex) {
    int count = blockCount(slot);
    if (blockIndex < 0 || blockIndex >= count) {
      throw new IndexOutOfBoundsException("block " + blockIndex + " of " + count);
    }
    int first = inodes.getInt(record(slot) + TreeFormat.INODE_CONTENT);
    int at = (first + blockIndex) * BlockId.BYTES;
    BlockId id =
        new BlockId(
            blocks.getLong(at),
            blocks.getLong(at + 8),
            blocks.getLong(at + 16),
            blocks.getLong(at + 24));
    return (id.a() | id.b() | id.c() | id.d()) == 0 ? null : id;
  }

  // What the structure check reads.

  TreeSection inodes() {
    return inodes;
  }

  TreeSection dentries() {
    return dentries;
  }

  TreeSection names() {
    return names;
  }

  TreeSection targets() {
    return targets;
  }

  TreeSection xattrSection() {
    return xattrs;
  }

  TreeSection blocks() {
    return blocks;
  }

  private int record(int slot) {
    if (slot < 0 || slot >= inodeCount) {
      throw new IndexOutOfBoundsException("slot " + slot + " of " + inodeCount);
    }
    return slot * TreeFormat.INODE_BYTES;
  }

  private FileType typeAt(int record) {
    return FileType.ofMode(inodes.getShort(record + TreeFormat.INODE_MODE));
  }

  private int dentry(int directorySlot, int index) {
    int count = childCount(directorySlot);
    if (index < 0 || index >= count) {
      throw new IndexOutOfBoundsException("child " + index + " of " + count);
    }
    return inodes.getInt(record(directorySlot) + TreeFormat.INODE_CONTENT) + index;
  }

  private int dentrySlot(int dentry) {
    return dentries.getInt(dentry * TreeFormat.DENTRY_BYTES + TreeFormat.DENTRY_SLOT);
  }

  private Name dentryName(int dentry) {
    int at = dentries.getInt(dentry * TreeFormat.DENTRY_BYTES + TreeFormat.DENTRY_NAME);
    return Name.of(names.getBytes(at + 1, names.getByte(at) & 0xff));
  }

  private int compareName(int dentry, Name name) {
    int at = dentries.getInt(dentry * TreeFormat.DENTRY_BYTES + TreeFormat.DENTRY_NAME);
    int length = names.getByte(at) & 0xff;
    names.requireRange(at + 1, length);
    int common = Math.min(length, name.length());
    for (int i = 0; i < common; i++) {
      byte mine = names.verifiedByte(at + 1 + i);
      byte other = name.byteAt(i);
      if (mine != other) {
        return (mine & 0xff) - (other & 0xff);
      }
    }
    return length - name.length();
  }
}
