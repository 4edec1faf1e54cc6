package io.mapfs.core.tree;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.hash.Sha256;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;

/**
 * Makes a tree index from inodes and names, added in any order; equal input gives equal bytes.
 *
 * <p>Holds about 200 bytes per entry in memory until written. For one thread and one file: after
 * {@link #write} it is spent.
 */
public final class TreeWriter {
  private static final byte[] HOLE = new byte[BlockId.BYTES];

  private final String master;
  private final int version;

  /** Encoded inodes in the order of adding; fields that depend on the others are filled later. */
  private final ByteArena inodes = new ByteArena();

  private long[] inos = new long[1024];
  private int inodeCount;

  private long[] parentInos = new long[1024];
  private long[] childInos = new long[1024];
  private int[] nameOffsets = new int[1024];
  private int nameCount;

  private final ByteArena names = new ByteArena();
  private final ByteArena targets = new ByteArena();
  private final ByteArena blocks = new ByteArena();

  /** Distinct encoded sets, and each one's place in {@link #xattrSets}. */
  private final Map<ByteBuffer, Integer> xattrSetIndex = new HashMap<>();

  private byte[][] xattrSets = new byte[16][];

  private long contentBytes;
  private boolean spent;

  private final byte[] record = new byte[TreeFormat.INODE_BYTES];
  private final ByteBuffer recordBuffer = ByteBuffer.wrap(record);

  public TreeWriter(String master, int version) {
    int masterBytes = master.getBytes(UTF_8).length;
    if (masterBytes < 1 || masterBytes > TreeFormat.MASTER_BYTES_MAX) {
      throw new IllegalArgumentException("a master's name has 1 to 63 bytes: " + master);
    }
    this.master = master;
    this.version = version;
  }

  /** Adds an inode; each number once. Nothing of the node is kept. */
  public void add(TreeNode node) {
    requireUnspent();
    check(node);
    int content = 0;
    int contentCount = 0;
    long size = node.sizeBytes();
    switch (node.type()) {
      case REGULAR -> {
        content = toIndex(blocks.size() / BlockId.BYTES, "blocks");
        contentCount = addBlocks(node);
        contentBytes += size;
      }
      case SYMLINK -> {
        byte[] target = node.symlinkTarget();
        content = toIndex(targets.append(target, 0, target.length), "link target bytes");
        contentCount = target.length;
        size = target.length;
      }
      case DIRECTORY -> size = TreeFormat.DIRECTORY_SIZE_BYTES;
      default -> size = 0;
    }
    Arrays.fill(record, (byte) 0);
    recordBuffer
        .putLong(TreeFormat.INODE_INO, node.ino())
        .putShort(TreeFormat.INODE_MODE, (short) (node.type().modeBits() | node.permissions()))
        .putInt(TreeFormat.INODE_UID, node.uid())
        .putInt(TreeFormat.INODE_GID, node.gid())
        .putInt(TreeFormat.INODE_RDEV, node.rdev())
        .putInt(TreeFormat.INODE_CONTENT, content)
        .putInt(TreeFormat.INODE_CONTENT_COUNT, contentCount)
        .putInt(TreeFormat.INODE_XATTRS, addXattrs(node))
        .putLong(TreeFormat.INODE_SIZE, size);
    putTime(0, node.atime());
    putTime(1, node.mtime());
    putTime(2, node.ctime());
    putTime(3, node.btime());
    inodes.append(record, 0, record.length);
    if (inodeCount == inos.length) {
      inos = Arrays.copyOf(inos, grown(inodeCount));
    }
    inos[inodeCount++] = node.ino();
  }

  /** Adds a name of an inode; both inodes may be added before or after. The root gets no name. */
  public void addName(long parentIno, Name name, long ino) {
    requireUnspent();
    if (!name.isValidEntry()) {
      throw new IllegalArgumentException("not a directory entry's name: " + name);
    }
    if (nameCount == parentInos.length) {
      int capacity = grown(nameCount);
      parentInos = Arrays.copyOf(parentInos, capacity);
      childInos = Arrays.copyOf(childInos, capacity);
      nameOffsets = Arrays.copyOf(nameOffsets, capacity);
    }
    byte[] bytes = name.toBytes();
    parentInos[nameCount] = parentIno;
    childInos[nameCount] = ino;
    nameOffsets[nameCount] = toIndex(names.size(), "name bytes");
    names.append(new byte[] {(byte) bytes.length}, 0, 1);
    names.append(bytes, 0, bytes.length);
    nameCount++;
  }

  /**
   * Writes the file: to a temporary one beside the target, forced to disk, then renamed.
   *
   * @param nextIno the master's counter: no number from here on was ever given out. Raised where an
   *     added inode has it or a greater one
   * @throws IllegalStateException if the inodes and names are no tree: says which inode and why
   */
  public TreeSummary write(Path target, long nextIno) throws IOException {
    requireUnspent();
    spent = true;
    TreeShape shape = TreeShape.of(this);
    long next = Math.max(nextIno, shape.lastIno() + 1);

    Path directory = target.toAbsolutePath().getParent();
    Path temporary = Files.createTempFile(directory, target.getFileName() + ".", ".tmp");
    try {
      TreeSummary summary = writeTo(temporary, shape, next);
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      try (FileChannel parent = FileChannel.open(directory, StandardOpenOption.READ)) {
        parent.force(true);
      }
      return summary;
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private TreeSummary writeTo(Path file, TreeShape shape, long nextIno) throws IOException {
    int[] xattrOffsets = new int[xattrSetIndex.size()];
    long xattrBytes = placeXattrs(shape, xattrOffsets);
    int[] targetOffsets = new int[inodeCount];
    int[] blockStarts = new int[inodeCount];
    placeContents(shape, targetOffsets, blockStarts);

    long[] lengths = new long[TreeFormat.SECTION_COUNT];
    lengths[TreeFormat.SECTION_INODES] = (long) inodeCount * TreeFormat.INODE_BYTES;
    lengths[TreeFormat.SECTION_DENTRIES] = (long) nameCount * TreeFormat.DENTRY_BYTES;
    lengths[TreeFormat.SECTION_NAMES] = names.size();
    lengths[TreeFormat.SECTION_TARGETS] = targets.size();
    lengths[TreeFormat.SECTION_XATTRS] = xattrBytes;
    lengths[TreeFormat.SECTION_BLOCKS] = blocks.size();
    byte[] header = header(lengths, nextIno);

    MessageDigest digest = Sha256.newDigest();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      PagedOutput out = new PagedOutput(channel, digest);
      out.write(header, 0, header.length);
      writeInodes(out, shape, xattrOffsets, targetOffsets, blockStarts);
      writeDentries(out, shape);
      writeNames(out, shape);
      writeTargets(out, shape);
      writeXattrs(out, shape, xattrOffsets.length);
      writeBlocks(out, shape);
      byte[] hashes = out.finish();
      digest.reset();
      digest.update(header);
      byte[] rootHash = digest.digest(hashes);
      ByteBuffer tail = ByteBuffer.allocate(hashes.length + rootHash.length);
      tail.put(hashes).put(rootHash).flip();
      while (tail.hasRemaining()) {
        channel.write(tail);
      }
      channel.force(true);
      return new TreeSummary(
          channel.size(), rootHash, inodeCount, nameCount, contentBytes, nextIno);
    }
  }

  private byte[] header(long[] sectionLengths, long nextIno) throws IOException {
    byte[] masterBytes = master.getBytes(UTF_8);
    ByteBuffer header = ByteBuffer.allocate(TreeFormat.HEADER_BYTES);
    header
        .putInt(TreeFormat.MAGIC)
        .putShort((short) TreeFormat.VERSION)
        .putInt(TreeFormat.HEADER_TREE_VERSION, version)
        .putInt(TreeFormat.HEADER_INODE_COUNT, inodeCount)
        .putLong(TreeFormat.HEADER_ENTRY_COUNT, nameCount)
        .putLong(TreeFormat.HEADER_CONTENT_BYTES, contentBytes)
        .putLong(TreeFormat.HEADER_NEXT_INO, nextIno);
    long offset = TreeFormat.HEADER_BYTES;
    for (int section = 0; section < sectionLengths.length; section++) {
      if (sectionLengths[section] > Integer.MAX_VALUE) {
        throw new IOException(
            "the tree is too large: its section of "
                + TreeFormat.SECTION_NAME[section]
                + " would have "
                + sectionLengths[section]
                + " bytes, 2147483647 are possible");
      }
      header
          .putLong(TreeFormat.HEADER_SECTIONS + 16 * section, offset)
          .putLong(TreeFormat.HEADER_SECTIONS + 16 * section + 8, sectionLengths[section]);
      offset += TreeFormat.alignedTo8(sectionLengths[section]);
    }
    header
        .putLong(TreeFormat.HEADER_PAGES_END, offset)
        .put(TreeFormat.HEADER_MASTER, (byte) masterBytes.length)
        .put(TreeFormat.HEADER_MASTER + 1, masterBytes);
    return header.array();
  }

  /** Sets stand in the order in which slots first use them. Returns the section's length. */
  private long placeXattrs(TreeShape shape, int[] offsets) {
    Arrays.fill(offsets, TreeFormat.NONE);
    long end = 0;
    for (int slot = 0; slot < inodeCount; slot++) {
      int set = inodeInt(shape.added(slot), TreeFormat.INODE_XATTRS);
      if (set != TreeFormat.NONE && offsets[set] == TreeFormat.NONE) {
        offsets[set] = toIndex(end, "xattr bytes");
        end += xattrSets[set].length;
      }
    }
    return end;
  }

  /** Targets and blocks stand in the order of slots. */
  private void placeContents(TreeShape shape, int[] targetOffsets, int[] blockStarts) {
    int target = 0;
    int block = 0;
    for (int slot = 0; slot < inodeCount; slot++) {
      int added = shape.added(slot);
      targetOffsets[slot] = target;
      blockStarts[slot] = block;
      FileType type = type(added);
      if (type == FileType.SYMLINK) {
        target += inodeInt(added, TreeFormat.INODE_CONTENT_COUNT);
      } else if (type == FileType.REGULAR) {
        block += blockCount(added);
      }
    }
  }

  private void writeInodes(
      PagedOutput out, TreeShape shape, int[] xattrOffsets, int[] targetOffsets, int[] blockStarts)
      throws IOException {
    for (int slot = 0; slot < inodeCount; slot++) {
      readInode(shape.added(slot));
      FileType type = FileType.ofMode(recordBuffer.getShort(TreeFormat.INODE_MODE));
      recordBuffer
          .putInt(TreeFormat.INODE_NLINK, shape.nlink(slot))
          .putInt(TreeFormat.INODE_PARENT, shape.parentSlot(slot))
          .putInt(TreeFormat.INODE_DENTRY, shape.firstName(slot));
      switch (type) {
        case DIRECTORY ->
            recordBuffer
                .putInt(TreeFormat.INODE_CONTENT, shape.firstChild(slot))
                .putInt(TreeFormat.INODE_CONTENT_COUNT, shape.childCount(slot));
        case REGULAR -> recordBuffer.putInt(TreeFormat.INODE_CONTENT, blockStarts[slot]);
        case SYMLINK -> recordBuffer.putInt(TreeFormat.INODE_CONTENT, targetOffsets[slot]);
        default -> {}
      }
      int set = recordBuffer.getInt(TreeFormat.INODE_XATTRS);
      if (set != TreeFormat.NONE) {
        recordBuffer.putInt(TreeFormat.INODE_XATTRS, xattrOffsets[set]);
      }
      out.write(record, 0, record.length);
    }
    out.align();
  }

  private void writeDentries(PagedOutput out, TreeShape shape) throws IOException {
    ByteBuffer dentry = ByteBuffer.allocate(TreeFormat.DENTRY_BYTES);
    int nameOffset = 0;
    for (int i = 0; i < nameCount; i++) {
      int name = shape.nameAt(i);
      dentry
          .putInt(TreeFormat.DENTRY_NAME, nameOffset)
          .putInt(TreeFormat.DENTRY_SLOT, shape.childSlot(name));
      out.write(dentry.array(), 0, TreeFormat.DENTRY_BYTES);
      nameOffset += 1 + names.get(nameOffsets[name]);
    }
  }

  private void writeNames(PagedOutput out, TreeShape shape) throws IOException {
    byte[] bytes = new byte[1 + Name.MAX_BYTES];
    for (int i = 0; i < nameCount; i++) {
      int offset = nameOffsets[shape.nameAt(i)];
      int length = 1 + names.get(offset);
      names.get(offset, bytes, 0, length);
      out.write(bytes, 0, length);
    }
    out.align();
  }

  private void writeTargets(PagedOutput out, TreeShape shape) throws IOException {
    for (int slot = 0; slot < inodeCount; slot++) {
      int added = shape.added(slot);
      if (type(added) == FileType.SYMLINK) {
        byte[] target = new byte[inodeInt(added, TreeFormat.INODE_CONTENT_COUNT)];
        targets.get(inodeInt(added, TreeFormat.INODE_CONTENT), target, 0, target.length);
        out.write(target, 0, target.length);
      }
    }
    out.align();
  }

  private void writeXattrs(PagedOutput out, TreeShape shape, int setCount) throws IOException {
    boolean[] written = new boolean[setCount];
    for (int slot = 0; slot < inodeCount; slot++) {
      int set = inodeInt(shape.added(slot), TreeFormat.INODE_XATTRS);
      if (set != TreeFormat.NONE && !written[set]) {
        written[set] = true;
        out.write(xattrSets[set], 0, xattrSets[set].length);
      }
    }
    out.align();
  }

  private void writeBlocks(PagedOutput out, TreeShape shape) throws IOException {
    byte[] id = new byte[BlockId.BYTES];
    for (int slot = 0; slot < inodeCount; slot++) {
      int added = shape.added(slot);
      if (type(added) == FileType.REGULAR) {
        long start = inodeInt(added, TreeFormat.INODE_CONTENT);
        int count = blockCount(added);
        for (int block = 0; block < count; block++) {
          blocks.get((start + block) * BlockId.BYTES, id, 0, BlockId.BYTES);
          out.write(id, 0, BlockId.BYTES);
        }
      }
    }
  }

  // What TreeShape reads.

  int inodeCount() {
    return inodeCount;
  }

  long ino(int added) {
    return inos[added];
  }

  FileType type(int added) {
    readInode(added);
    return FileType.ofMode(recordBuffer.getShort(TreeFormat.INODE_MODE));
  }

  int nameCount() {
    return nameCount;
  }

  long parentIno(int name) {
    return parentInos[name];
  }

  long childIno(int name) {
    return childInos[name];
  }

  byte[] nameBytes(int name) {
    byte[] bytes = new byte[names.get(nameOffsets[name])];
    names.get(nameOffsets[name] + 1L, bytes, 0, bytes.length);
    return bytes;
  }

  private int blockCount(int added) {
    readInode(added);
    return toIndex(blockCountOf(recordBuffer.getLong(TreeFormat.INODE_SIZE)), "blocks of one file");
  }

  private int inodeInt(int added, int field) {
    readInode(added);
    return recordBuffer.getInt(field);
  }

  private void readInode(int added) {
    inodes.get((long) added * TreeFormat.INODE_BYTES, record, 0, TreeFormat.INODE_BYTES);
  }

  /** Returns the space of those that are not holes. */
  private int addBlocks(TreeNode node) {
    long pages = 0;
    long left = node.sizeBytes();
    for (BlockId id : node.blocks()) {
      blocks.append(id == null ? HOLE : id.toBytes(), 0, BlockId.BYTES);
      if (id != null) {
        long bytes = Math.min(left, BlockId.BLOCK_BYTES);
        pages += (bytes + TreeFormat.SPACE_BYTES - 1) / TreeFormat.SPACE_BYTES;
      }
      left -= BlockId.BLOCK_BYTES;
    }
    return toIndex(pages, "pages in one file");
  }

  /** Returns the set's index, or NONE. */
  private int addXattrs(TreeNode node) {
    if (node.xattrs().isEmpty()) {
      return TreeFormat.NONE;
    }
    byte[] encoded = XattrSets.encode(node.xattrs());
    Integer known = xattrSetIndex.get(ByteBuffer.wrap(encoded));
    if (known != null) {
      return known;
    }
    int index = xattrSetIndex.size();
    if (index == xattrSets.length) {
      xattrSets = Arrays.copyOf(xattrSets, grown(index));
    }
    xattrSets[index] = encoded;
    xattrSetIndex.put(ByteBuffer.wrap(encoded), index);
    return index;
  }

  private void putTime(int which, FileTime time) {
    recordBuffer
        .putLong(TreeFormat.INODE_SECONDS + 8 * which, time.seconds())
        .putInt(TreeFormat.INODE_NANOS + 4 * which, time.nanos());
  }

  private static void check(TreeNode node) {
    if (node.ino() < NodeId.ROOT || node.ino() >= NodeId.FIRST_OVERLAY_INO) {
      throw new IllegalArgumentException("not a repository's inode number: " + node.ino());
    }
    if ((node.permissions() & ~07777) != 0) {
      throw new IllegalArgumentException(
          "inode " + node.ino() + " has permissions " + Integer.toOctalString(node.permissions()));
    }
    long expected = node.type() == FileType.REGULAR ? blockCountOf(node.sizeBytes()) : 0;
    if (node.sizeBytes() < 0 || node.blocks().size() != expected) {
      throw new IllegalArgumentException(
          "inode "
              + node.ino()
              + " of "
              + node.sizeBytes()
              + " bytes has "
              + node.blocks().size()
              + " blocks");
    }
    if ((node.type() == FileType.SYMLINK) != (node.symlinkTarget() != null)) {
      throw new IllegalArgumentException(
          "inode " + node.ino() + ": symlinks and they alone have a target");
    }
  }

  static long blockCountOf(long sizeBytes) {
    return (sizeBytes + BlockId.BLOCK_BYTES - 1) / BlockId.BLOCK_BYTES;
  }

  private void requireUnspent() {
    if (spent) {
      throw new IllegalStateException("the tree was written");
    }
  }

  private static int toIndex(long value, String what) {
    if (value > Integer.MAX_VALUE) {
      throw new IllegalStateException("the tree has too many " + what);
    }
    return (int) value;
  }

  private static int grown(int count) {
    return Math.max(count + 1, (int) Math.min(Integer.MAX_VALUE - 8, count * 3L / 2));
  }

  /** By unsigned bytes. */
  Comparator<Integer> byName() {
    return (a, b) -> {
      int offsetA = nameOffsets[a];
      int offsetB = nameOffsets[b];
      int lengthA = names.get(offsetA);
      int lengthB = names.get(offsetB);
      int common = Math.min(lengthA, lengthB);
      for (int i = 1; i <= common; i++) {
        int order = names.get(offsetA + (long) i) - names.get(offsetB + (long) i);
        if (order != 0) {
          return order;
        }
      }
      return lengthA - lengthB;
    };
  }
}
