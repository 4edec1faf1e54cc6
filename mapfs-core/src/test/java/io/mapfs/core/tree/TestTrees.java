package io.mapfs.core.tree;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.mapfs.core.block.BlockHasher;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.BlockReader;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.RequestContext;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Builds small trees for tests, by path, as real index files.
 *
 * <pre>
 *   TestTrees trees = TestTrees.of("debian").file("/etc/passwd", "root").symlink("/bin", "usr/bin");
 *   TreeIndex one = trees.build(directory);      // version 1
 *   trees.remove("/bin").file("/etc/passwd", "changed");
 *   TreeIndex two = trees.build(directory);      // version 2; inode numbers stay
 *   BlockReader blocks = trees.blockReader();    // has the content of both
 * </pre>
 *
 * Missing parents are made. A path that changes type gets a new inode number. Times are 1,000,000
 * seconds plus the inode number, until set.
 */
public final class TestTrees {
  private final String master;
  private final SortedMap<String, Long> paths = new TreeMap<>();
  private final Map<Long, TreeNode> nodes = new TreeMap<>();
  private final Map<BlockId, byte[]> contents = new ConcurrentHashMap<>();
  private long nextIno = 2;
  private int version = 1;

  private TestTrees(String master) {
    this.master = master;
    paths.put("/", 1L);
    nodes.put(1L, plain(1, FileType.DIRECTORY, 0755, 0, null));
  }

  public static TestTrees of(String master) {
    return new TestTrees(master);
  }

  public TestTrees directory(String path, int permissions) {
    TreeNode node = node(path, FileType.DIRECTORY);
    return put(plain(node.ino(), FileType.DIRECTORY, permissions, 0, null));
  }

  public TestTrees file(String path, String content) {
    return file(path, content.getBytes(UTF_8));
  }

  /** A file with this content, every block stored, permissions 0644 or what they were. */
  public TestTrees file(String path, byte[] content) {
    List<BlockId> blocks = new ArrayList<>();
    for (int at = 0; at < content.length; at += BlockId.BLOCK_BYTES) {
      int length = Math.min(BlockId.BLOCK_BYTES, content.length - at);
      BlockId id = BlockHasher.id(content, at, length);
      byte[] block = new byte[length];
      System.arraycopy(content, at, block, 0, length);
      contents.put(id, block);
      blocks.add(id);
    }
    return put(withContent(node(path, FileType.REGULAR), content.length, blocks));
  }

  /** A file that is one hole. */
  public TestTrees hole(String path, long sizeBytes) {
    List<BlockId> blocks = new ArrayList<>();
    for (long at = 0; at < sizeBytes; at += BlockId.BLOCK_BYTES) {
      blocks.add(null);
    }
    return put(withContent(node(path, FileType.REGULAR), sizeBytes, blocks));
  }

  public TestTrees symlink(String path, String target) {
    TreeNode node = node(path, FileType.SYMLINK);
    return put(plain(node.ino(), FileType.SYMLINK, 0777, 0, target.getBytes(UTF_8)));
  }

  /** A device node, fifo or socket. */
  public TestTrees special(String path, FileType type, int rdev) {
    TreeNode node = node(path, type);
    return put(plain(node.ino(), type, 0600, rdev, null));
  }

  /** Another name for a file. */
  public TestTrees link(String path, String existing) {
    long ino = ino(existing);
    directories(parent(path));
    paths.put(path, ino);
    return this;
  }

  public TestTrees permissions(String path, int permissions) {
    TreeNode n = existing(path);
    return put(
        new TreeNode(
            n.ino(),
            n.type(),
            permissions,
            n.uid(),
            n.gid(),
            n.rdev(),
            n.sizeBytes(),
            n.atime(),
            n.mtime(),
            n.ctime(),
            n.btime(),
            n.symlinkTarget(),
            n.xattrs(),
            n.blocks()));
  }

  public TestTrees owner(String path, int uid, int gid) {
    TreeNode n = existing(path);
    return put(
        new TreeNode(
            n.ino(),
            n.type(),
            n.permissions(),
            uid,
            gid,
            n.rdev(),
            n.sizeBytes(),
            n.atime(),
            n.mtime(),
            n.ctime(),
            n.btime(),
            n.symlinkTarget(),
            n.xattrs(),
            n.blocks()));
  }

  public TestTrees modified(String path, FileTime mtime) {
    TreeNode n = existing(path);
    return put(
        new TreeNode(
            n.ino(),
            n.type(),
            n.permissions(),
            n.uid(),
            n.gid(),
            n.rdev(),
            n.sizeBytes(),
            mtime,
            mtime,
            n.ctime(),
            n.btime(),
            n.symlinkTarget(),
            n.xattrs(),
            n.blocks()));
  }

  public TestTrees xattr(String path, String name, byte[] value) {
    TreeNode n = existing(path);
    SortedMap<Name, byte[]> xattrs = new TreeMap<>(n.xattrs());
    xattrs.put(Name.of(name), value);
    return put(
        new TreeNode(
            n.ino(),
            n.type(),
            n.permissions(),
            n.uid(),
            n.gid(),
            n.rdev(),
            n.sizeBytes(),
            n.atime(),
            n.mtime(),
            n.ctime(),
            n.btime(),
            n.symlinkTarget(),
            xattrs,
            n.blocks()));
  }

  /** Removes a path and all below it. */
  public TestTrees remove(String path) {
    ino(path);
    paths.keySet().removeIf(each -> each.equals(path) || each.startsWith(path + "/"));
    nodes.keySet().retainAll(List.copyOf(paths.values()));
    return this;
  }

  /** Moves a path and all below it; the inodes stay. */
  public TestTrees rename(String from, String to) {
    ino(from);
    directories(parent(to));
    for (String path : List.copyOf(paths.keySet())) {
      if (path.equals(from) || path.startsWith(from + "/")) {
        paths.put(to + path.substring(from.length()), paths.remove(path));
      }
    }
    return this;
  }

  /** The inode number of a path that is there. */
  public long ino(String path) {
    return Objects.requireNonNull(paths.get(path), path);
  }

  /** Writes the index file of the next version and opens it. */
  public TreeIndex build(Path directory) throws IOException {
    TreeWriter writer = new TreeWriter(master, version);
    nodes.values().forEach(writer::add);
    paths.forEach(
        (path, ino) -> {
          if (!path.equals("/")) {
            String name = path.substring(path.lastIndexOf('/') + 1);
            writer.addName(ino(parent(path)), Name.of(name), ino);
          }
        });
    Path file = directory.resolve(master + "-" + version + ".tree");
    writer.write(file, nextIno);
    version++;
    return TreeIndex.open(file);
  }

  /** The content of a block of any version. */
  public byte[] content(BlockId id) {
    return Objects.requireNonNull(contents.get(id), id::toString).clone();
  }

  /** Reads the blocks of every version built. */
  public BlockReader blockReader() {
    return new BlockReader() {
      @Override
      public void read(
          RequestContext context, ReadScope scope, BlockId id, int offsetBytes, ByteBuffer target)
          throws FsException {
        byte[] content = contents.get(id);
        if (content == null) {
          throw new FsException(Errno.EIO, "no block " + id);
        }
        target.put(content, offsetBytes, target.remaining());
      }

      @Override
      public boolean readAtHand(BlockId id, int offsetBytes, ByteBuffer target) {
        byte[] content = contents.get(id);
        if (content == null) {
          return false;
        }
        target.put(content, offsetBytes, target.remaining());
        return true;
      }

      @Override
      public void prefetch(ReadScope scope, Iterable<BlockId> ids) {}
    };
  }

  /** What is at the path, if of this type; else a new inode of it. */
  private TreeNode node(String path, FileType type) {
    Long ino = paths.get(path);
    if (ino != null && nodes.get(ino).type() == type) {
      return nodes.get(ino);
    }
    if (ino != null) {
      remove(path);
    }
    directories(parent(path));
    TreeNode node = plain(nextIno++, type, 0644, 0, null);
    paths.put(path, node.ino());
    return node;
  }

  private void directories(String path) {
    if (!paths.containsKey(path)) {
      directory(path, 0755);
    }
  }

  private TreeNode existing(String path) {
    return nodes.get(ino(path));
  }

  private TestTrees put(TreeNode node) {
    nodes.put(node.ino(), node);
    return this;
  }

  private static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash == 0 ? "/" : path.substring(0, slash);
  }

  private static TreeNode plain(
      long ino, FileType type, int permissions, int rdev, byte[] symlinkTarget) {
    FileTime time = new FileTime(1_000_000 + ino, (int) ino);
    return new TreeNode(
        ino,
        type,
        permissions,
        0,
        0,
        rdev,
        0,
        time,
        time,
        time,
        time,
        symlinkTarget,
        new TreeMap<>(),
        List.of());
  }

  private static TreeNode withContent(TreeNode n, long sizeBytes, List<BlockId> blocks) {
    return new TreeNode(
        n.ino(),
        n.type(),
        n.permissions(),
        n.uid(),
        n.gid(),
        n.rdev(),
        sizeBytes,
        n.atime(),
        n.mtime(),
        n.ctime(),
        n.btime(),
        n.symlinkTarget(),
        n.xattrs(),
        blocks);
  }
}
