package io.mapfs.core.importer;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.posix.PathSet;
import io.mapfs.core.posix.Posix;
import java.io.BufferedInputStream;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.commons.compress.compressors.CompressorException;
import org.apache.commons.compress.compressors.CompressorStreamFactory;

/**
 * Reads a tar's entries into names and inodes. Entries may come in any order, and of several with
 * one path the last counts, as when a tar is unpacked; but nothing is ever put below a symlink.
 */
final class TarSource implements SourceReader {
  private static final int DEFAULT_DIRECTORY_PERMISSIONS = 0755;
  private static final int STREAM_BUFFER_BYTES = 1 << 16;

  /** Most memory that a compressed stream may ask for, in KiB. */
  private static final int DECOMPRESSOR_KIBIBYTES_MAX = 256 << 10;

  private final InputStream stream;
  private final String label;
  private final PathSet excludes;
  private final List<PendingLink> pendingLinks = new ArrayList<>();
  private NameTree names;
  private NameIndex index;
  private SourceSink sink;
  private TarInput input;
  private boolean rootSeen;

  /** A hard link whose target has not come yet. */
  private record PendingLink(int node, byte[] target) {}

  TarSource(InputStream stream, String label, PathSet excludes) {
    this.stream = stream;
    this.label = label;
    this.excludes = excludes;
  }

  @Override
  public void read(NameTree names, SourceSink sink) throws ImportException, InterruptedException {
    this.names = names;
    this.sink = sink;
    index = new NameIndex(names);
    input = new TarInput(uncompressed(), label);
    TarReader reader = new TarReader(input);
    TarEntry entry = reader.next();
    if (entry == null) {
      throw new ImportException(label + ": the tar has no entries");
    }
    while (entry != null) {
      add(entry, reader);
      entry = reader.next();
    }
    resolveLinks();
    if (!rootSeen) {
      sink.inode(names.inode(NameTree.ROOT), missingDirectory(FileTime.EPOCH));
    }
  }

  private InputStream uncompressed() throws ImportException {
    BufferedInputStream buffered = new BufferedInputStream(stream, STREAM_BUFFER_BYTES);
    try {
      String kind;
      try {
        kind = CompressorStreamFactory.detect(buffered);
      } catch (CompressorException e) {
        // Nothing that is known: then it is a tar as it stands, or no tar, which its reader tells.
        return buffered;
      }
      InputStream plain =
          new CompressorStreamFactory(true, DECOMPRESSOR_KIBIBYTES_MAX)
              .createCompressorInputStream(kind, buffered);
      return new BufferedInputStream(plain, STREAM_BUFFER_BYTES);
    } catch (CompressorException e) {
      throw new ImportException(label + ": cannot be uncompressed: " + e.getMessage(), e);
    }
  }

  private void add(TarEntry entry, TarReader reader) throws ImportException, InterruptedException {
    List<Name> path = components(entry.path());
    if (isExcluded(path)) {
      return;
    }
    if (path.isEmpty()) {
      if (entry.type() != FileType.DIRECTORY) {
        throw input.broken("the root is not a directory");
      }
      rootSeen = true;
      sink.inode(names.inode(NameTree.ROOT), entry.metadata());
      return;
    }
    int parent = parent(path, entry.mtime());
    Name name = path.get(path.size() - 1);
    int node = index.find(parent, name);
    boolean directory =
        node != NameTree.NONE
            && names.inode(node) != NameTree.NONE
            && names.inodeType(names.inode(node)) == FileType.DIRECTORY;
    if (directory && entry.type() == FileType.DIRECTORY) {
      sink.inode(names.inode(node), entry.metadata());
      return;
    }
    if (directory) {
      throw input.broken(
          names.printablePath(node) + " stands in the tar as a directory and as another file");
    }
    int inode = NameTree.NONE;
    if (!entry.isHardLink()) {
      inode = names.newInode(entry.type());
    } else {
      int target = find(components(entry.linkPath()));
      if (target != NameTree.NONE) {
        inode = linkable(target);
      }
    }
    if (node == NameTree.NONE) {
      node = index.add(parent, name, inode);
    } else {
      names.setInode(node, inode);
    }
    if (entry.isHardLink()) {
      if (inode == NameTree.NONE) {
        pendingLinks.add(new PendingLink(node, entry.linkPath()));
      }
    } else if (entry.type() == FileType.REGULAR) {
      addContent(entry, reader, node, inode);
    } else {
      sink.inode(inode, entry.metadata());
    }
  }

  private boolean isExcluded(List<Name> path) {
    PathSet at = excludes;
    for (Name name : path) {
      at = at.child(name);
      if (at.included()) {
        return true;
      }
    }
    return false;
  }

  /** The directory that the path's last component stands in; what is missing is made. */
  private int parent(List<Name> path, FileTime mtime) throws ImportException, InterruptedException {
    int at = NameTree.ROOT;
    for (Name name : path.subList(0, path.size() - 1)) {
      int child = index.find(at, name);
      if (child == NameTree.NONE) {
        int inode = names.newInode(FileType.DIRECTORY);
        child = index.add(at, name, inode);
        sink.inode(inode, missingDirectory(mtime));
      } else if (names.inode(child) == NameTree.NONE
          || names.inodeType(names.inode(child)) != FileType.DIRECTORY) {
        throw input.broken(
            names.printablePath(child) + " is not a directory, but an entry lies below it");
      }
      at = child;
    }
    return at;
  }

  private static Metadata missingDirectory(FileTime mtime) {
    return new Metadata(
        FileType.DIRECTORY,
        DEFAULT_DIRECTORY_PERMISSIONS,
        0,
        0,
        0,
        0,
        mtime,
        mtime,
        mtime,
        null,
        Collections.emptySortedMap());
  }

  private int find(List<Name> path) {
    int at = NameTree.ROOT;
    for (Name name : path) {
      at = index.find(at, name);
      if (at == NameTree.NONE) {
        return at;
      }
    }
    return at;
  }

  private int linkable(int target) throws ImportException {
    int inode = names.inode(target);
    if (inode != NameTree.NONE && names.inodeType(inode) == FileType.DIRECTORY) {
      throw input.broken("a hard link to the directory " + names.printablePath(target));
    }
    return inode;
  }

  /** Links that came before their targets; a round settles at least one, or none can be. */
  private void resolveLinks() throws ImportException {
    List<PendingLink> left = pendingLinks;
    while (!left.isEmpty()) {
      List<PendingLink> unresolved = new ArrayList<>();
      for (PendingLink link : left) {
        if (names.inode(link.node()) != NameTree.NONE) {
          continue;
        }
        int target = find(components(link.target()));
        int inode = target == NameTree.NONE ? NameTree.NONE : linkable(target);
        if (inode == NameTree.NONE) {
          unresolved.add(link);
        } else {
          names.setInode(link.node(), inode);
        }
      }
      if (unresolved.size() == left.size()) {
        PendingLink link = unresolved.get(0);
        throw new ImportException(
            label
                + ": "
                + names.printablePath(link.node())
                + " is a hard link to "
                + Posix.printable(link.target())
                + ", which the tar does not have or which is excluded");
      }
      left = unresolved;
    }
  }

  /** Splits a path; what leads out of the tree is refused. */
  private List<Name> components(byte[] path) throws ImportException {
    if (path.length > 0 && path[0] == '/') {
      throw refused(path, "is absolute; make the tar with relative paths (tar -C DIR -c .)");
    }
    List<Name> components = new ArrayList<>();
    int start = 0;
    for (int i = 0; i <= path.length; i++) {
      if (i < path.length && path[i] != '/') {
        continue;
      }
      int length = i - start;
      boolean dot = length == 1 && path[start] == '.';
      if (length > Name.MAX_BYTES) {
        throw refused(path, "has a name of more than 255 bytes");
      }
      if (length > 0 && !dot) {
        Name name = Name.of(Arrays.copyOfRange(path, start, i));
        if (!name.isValidEntry()) {
          throw refused(path, "leads out of the tree or is malformed");
        }
        components.add(name);
      }
      start = i + 1;
    }
    return components;
  }

  private ImportException refused(byte[] path, String why) {
    return input.broken("path " + Posix.printable(path) + " " + why);
  }

  private void addContent(TarEntry entry, TarReader reader, int node, int inode)
      throws ImportException, InterruptedException {
    String path = names.printablePath(node);
    BlockCutter.blockCount(entry.sizeBytes(), path);
    ContentBlocks blocks = new ContentBlocks(entry.sizeBytes());
    long[] extents = entry.extents();
    for (int i = 0; i < extents.length; i += 2) {
      blocks.readExtent(reader, extents[i], extents[i + 1]);
    }
    blocks.end();
    sink.endFile(new TarFile(inode, entry.metadata(), path));
  }

  /** Puts extents together to blocks, and blocks to segments. */
  private final class ContentBlocks {
    private final long sizeBytes;
    private byte[] block;
    private int blockIndex;
    private List<RawBlock> unhashed = new ArrayList<>();
    private int unhashedBytes;

    ContentBlocks(long sizeBytes) {
      this.sizeBytes = sizeBytes;
    }

    void readExtent(TarReader reader, long offsetBytes, long lengthBytes)
        throws ImportException, InterruptedException {
      long at = offsetBytes;
      long end = offsetBytes + lengthBytes;
      while (at < end) {
        int index = (int) (at / BlockId.BLOCK_BYTES);
        if (block == null || blockIndex != index) {
          endBlock();
          block = new byte[BlockCutter.blockLength(index, sizeBytes)];
          blockIndex = index;
        }
        int inBlock = (int) (at % BlockId.BLOCK_BYTES);
        int part = (int) Math.min(end - at, block.length - inBlock);
        reader.readData(block, inBlock, part);
        at += part;
      }
    }

    private void endBlock() throws ImportException, InterruptedException {
      if (block != null) {
        unhashed.add(new RawBlock(blockIndex, block));
        unhashedBytes += block.length;
        block = null;
        if (unhashed.size() == SegmentSink.BLOCKS_MAX) {
          endSegment();
        }
      }
    }

    private void endSegment() throws ImportException, InterruptedException {
      List<RawBlock> segment = unhashed;
      sink.segment(unhashedBytes, () -> hash(segment));
      unhashed = new ArrayList<>();
      unhashedBytes = 0;
    }

    void end() throws ImportException, InterruptedException {
      endBlock();
      if (!unhashed.isEmpty()) {
        endSegment();
      }
    }
  }

  private record RawBlock(int index, byte[] content) {}

  private static List<HashedBlock> hash(List<RawBlock> unhashed) {
    List<HashedBlock> blocks = new ArrayList<>(unhashed.size());
    for (RawBlock block : unhashed) {
      HashedBlock hashed = BlockCutter.hash(block.index(), block.content());
      if (hashed != null) {
        blocks.add(hashed);
      }
    }
    return blocks;
  }

  /** A file whose content went by; it cannot change. */
  private record TarFile(int inode, Metadata metadata, String path) implements SourceFile {
    @Override
    public boolean changed() {
      return false;
    }

    @Override
    public void readAgain(SegmentSink content) {
      throw new IllegalStateException("a tar is read once");
    }

    @Override
    public void close() {}
  }
}
