package io.mapfs.core.tree;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.block.BlockHasher;
import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TreeIndexTest {
  @TempDir Path directory;

  @Test
  void attributesComeBack() throws IOException {
    byte[] content = new byte[300_000];
    TestTrees trees =
        TestTrees.of("debian")
            .file("/usr/bin/tool", content)
            .permissions("/usr/bin/tool", 06755)
            .owner("/usr/bin/tool", 12, 0xfffffffe)
            .modified("/usr/bin/tool", new FileTime(-5, 999_999_999))
            .xattr("/usr/bin/tool", "security.capability", new byte[] {1, 2, 3})
            .xattr("/usr/bin/tool", "user.empty", new byte[0])
            .link("/bin/tool", "/usr/bin/tool")
            .symlink("/lib", "usr/lib")
            .special("/dev/null", FileType.CHARACTER_DEVICE, 0x103)
            .special("/run/fifo", FileType.FIFO, 0)
            .special("/run/socket", FileType.SOCKET, 0)
            .hole("/hole", 1 << 20);
    TreeIndex tree = trees.build(directory);
    tree.verifyAll();

    assertEquals("debian", tree.master());
    assertEquals(1, tree.version());
    assertEquals(12, tree.inodeCount());
    assertEquals(12, tree.entryCount());
    assertEquals(300_000 + (1 << 20), tree.contentBytes());
    assertEquals(13, tree.nextIno());

    Attributes tool = tree.attributes(walk(tree, "/usr/bin/tool"));
    assertEquals(trees.ino("/usr/bin/tool"), tool.ino());
    assertEquals(0106755, tool.mode());
    assertEquals(12, tool.uid());
    assertEquals(0xfffffffe, tool.gid());
    assertEquals(2, tool.nlink());
    assertEquals(300_000, tool.sizeBytes());
    assertEquals(303_104, tool.allocatedBytes());
    assertEquals(new FileTime(-5, 999_999_999), tool.mtime());
    assertEquals(new FileTime(1_000_000 + tool.ino(), (int) tool.ino()), tool.ctime());
    int slot = tree.slotOf(tool.ino());
    assertEquals(slot, walk(tree, "/bin/tool"), "hard-linked names share a slot");
    assertEquals(3, tree.blockCount(slot));
    assertEquals(
        BlockHasher.id(content, 0, 300_000 - 2 * BlockId.BLOCK_BYTES), tree.block(slot, 2));
    assertThrows(IndexOutOfBoundsException.class, () -> tree.block(slot, 3));
    assertTrue(tree.hasXattrs(slot));
    assertArrayEquals(new byte[] {1, 2, 3}, tree.xattr(slot, Name.of("security.capability")));
    assertEquals(0, tree.xattr(slot, Name.of("user.empty")).length);
    assertNull(tree.xattr(slot, Name.of("user.absent")));
    assertEquals(
        List.of(Name.of("security.capability"), Name.of("user.empty")),
        List.copyOf(tree.xattrs(slot).keySet()));

    int lib = walk(tree, "/lib");
    assertArrayEquals(
        "usr/lib".getBytes(java.nio.charset.StandardCharsets.UTF_8), tree.symlinkTarget(lib));
    assertEquals(7, tree.attributes(lib).sizeBytes());
    assertFalse(tree.hasXattrs(lib));
    assertTrue(tree.xattrs(lib).isEmpty());

    int nul = walk(tree, "/dev/null");
    assertEquals(FileType.CHARACTER_DEVICE, tree.type(nul));
    assertEquals(0x103, tree.attributes(nul).rdev());

    int hole = walk(tree, "/hole");
    assertNull(tree.block(hole, 7));
    assertEquals(0, tree.attributes(hole).allocatedBytes());

    Attributes root = tree.attributes(0);
    assertEquals(1, root.ino());
    assertEquals(2 + 4, root.nlink(), "bin, dev, run, usr");
    assertNull(tree.name(0));
    assertEquals(1, tree.parentIno(0));
    assertEquals(trees.ino("/usr/bin"), tree.parentIno(slot), "the first name's directory");
    assertEquals(Name.of("tool"), tree.name(slot));
  }

  @Test
  void namesAreOrderedByUnsignedBytes() throws IOException {
    TreeWriter writer = new TreeWriter("m", 1);
    writer.add(node(1, FileType.DIRECTORY));
    List<byte[]> names =
        List.of(
            new byte[] {(byte) 0xff},
            new byte[] {'a'},
            new byte[] {(byte) 0x80, 'b'},
            new byte[] {'a', 'b'},
            new byte[] {1},
            new byte[255]);
    Arrays.fill(names.get(5), (byte) 0xc3);
    for (int i = 0; i < names.size(); i++) {
      writer.add(node(i + 2, FileType.FIFO));
      writer.addName(1, Name.of(names.get(i)), i + 2);
    }
    TreeIndex tree = write(writer, "names.tree");
    assertEquals(6, tree.childCount(0));
    for (int i = 0; i < 6; i++) {
      Name name = tree.childName(0, i);
      if (i > 0) {
        assertTrue(tree.childName(0, i - 1).compareTo(name) < 0);
      }
      assertEquals(i, tree.childIndex(0, name));
      assertEquals(tree.childSlot(0, i), tree.lookup(0, name));
    }
    assertEquals(0, tree.childIndex(0, Name.of(new byte[] {0})));
    assertEquals(2, tree.childIndex(0, Name.of("aa")));
    assertEquals(6, tree.childIndex(0, Name.of(new byte[] {(byte) 0xff, 0})));
    assertEquals(RepositoryTree.NONE, tree.lookup(0, Name.of("aa")));
    assertEquals(RepositoryTree.NONE, tree.lookup(1, Name.of("a")), "not a directory");
    assertEquals(0, tree.childCount(1));
  }

  @Test
  void equalInputGivesEqualBytesInAnyOrder() throws IOException {
    List<Runnable> steps = new ArrayList<>();
    TreeWriter[] writer = {null};
    steps.add(() -> writer[0].add(node(1, FileType.DIRECTORY)));
    for (int i = 2; i < 500; i++) {
      int ino = i * 3;
      boolean directory = i % 10 == 0;
      steps.add(
          () ->
              writer[0].add(
                  directory ? node(ino, FileType.DIRECTORY) : fileNode(ino, ino * 1000L)));
      int parent = i < 20 ? 1 : i / 20 * 10 * 3;
      steps.add(() -> writer[0].addName(parent, Name.of("n" + ino % 7 + "-" + ino), ino));
    }
    byte[] first = null;
    Random random = new Random(7);
    for (int round = 0; round < 3; round++) {
      writer[0] = new TreeWriter("m", 3);
      steps.forEach(Runnable::run);
      write(writer[0], "t.tree").verifyAll();
      byte[] bytes = Files.readAllBytes(directory.resolve("t.tree"));
      if (first != null) {
        assertArrayEquals(first, bytes);
      }
      first = bytes;
      Collections.shuffle(steps, random);
    }
  }

  @Test
  void everyInodeNumberIsFoundAndNoOther() throws IOException {
    Random random = new Random(1);
    Set<Long> inos = new HashSet<>(List.of(1L));
    while (inos.size() < 3000) {
      // Dense at first, then sparse, then far away: the worst for interpolation.
      long ino = inos.size() < 2000 ? inos.size() * 2L : random.nextLong(1L << 40) + 5000;
      inos.add(ino);
    }
    TreeWriter writer = new TreeWriter("m", 1);
    for (long ino : inos) {
      writer.add(node(ino, ino == 1 ? FileType.DIRECTORY : FileType.FIFO));
      if (ino != 1) {
        writer.addName(1, Name.of(Long.toString(ino)), ino);
      }
    }
    TreeIndex tree = write(writer, "inos.tree");
    for (long ino : inos) {
      assertEquals(ino, tree.ino(tree.slotOf(ino)));
      assertEquals(tree.slotOf(ino), ino == 1 ? 0 : tree.lookup(0, Name.of(Long.toString(ino))));
    }
    for (int i = 0; i < 3000; i++) {
      long ino = random.nextLong(1L << 40);
      assertEquals(inos.contains(ino), tree.slotOf(ino) != RepositoryTree.NONE);
    }
    assertEquals(RepositoryTree.NONE, tree.slotOf(0));
    assertEquals(RepositoryTree.NONE, tree.slotOf(-1));
    assertEquals(RepositoryTree.NONE, tree.slotOf(3));
    assertEquals(RepositoryTree.NONE, tree.slotOf(Long.MAX_VALUE));
  }

  @Test
  void theRootAloneIsATree() throws IOException {
    TreeIndex tree = TestTrees.of("empty").build(directory);
    tree.verifyAll();
    assertEquals(1, tree.inodeCount());
    assertEquals(0, tree.childCount(0));
    assertEquals(RepositoryTree.NONE, tree.lookup(0, Name.of("a")));
    assertEquals(2, tree.attributes(0).nlink());
  }

  @Test
  void versionsKeepInodeNumbers() throws IOException {
    TestTrees trees = TestTrees.of("m").file("/a", "1").file("/b/c", "2");
    TreeIndex one = trees.build(directory);
    trees.remove("/a").rename("/b", "/d").file("/e", "3");
    TreeIndex two = trees.build(directory);
    assertEquals(2, two.version());
    assertEquals(one.ino(walk(one, "/b/c")), two.ino(walk(two, "/d/c")));
    assertEquals(RepositoryTree.NONE, two.slotOf(one.ino(walk(one, "/a"))));
    assertTrue(two.nextIno() > one.nextIno());
  }

  @Test
  void whatIsNoTreeIsRefused() {
    assertRefused("no root", writer -> {});
    assertRefused(
        "added twice", writer -> rootWith(writer, 2, FileType.FIFO).add(node(2, FileType.FIFO)));
    assertRefused(
        "has no name",
        writer -> {
          writer.add(node(1, FileType.DIRECTORY));
          writer.add(node(2, FileType.FIFO));
        });
    assertRefused(
        "stands twice",
        writer -> {
          rootWith(writer, 2, FileType.FIFO).addName(1, Name.of("n2"), 2);
        });
    assertRefused(
        "one name too many",
        writer -> rootWith(writer, 2, FileType.DIRECTORY).addName(1, Name.of("other"), 2));
    assertRefused(
        "one name too many",
        writer -> rootWith(writer, 2, FileType.DIRECTORY).addName(2, Name.of("root"), 1));
    assertRefused(
        "not a directory",
        writer -> {
          rootWith(writer, 2, FileType.FIFO).add(node(3, FileType.FIFO));
          writer.addName(2, Name.of("x"), 3);
        });
    assertRefused(
        "which was not added",
        writer -> rootWith(writer, 2, FileType.FIFO).addName(1, Name.of("x"), 9));
    assertRefused(
        "not reached from the root",
        writer -> {
          writer.add(node(1, FileType.DIRECTORY));
          writer.add(node(2, FileType.DIRECTORY));
          writer.add(node(3, FileType.DIRECTORY));
          writer.addName(2, Name.of("x"), 3);
          writer.addName(3, Name.of("y"), 2);
        });
  }

  @Test
  void anyFlippedBitIsAnErrorThatNamesFileAndOffset() throws IOException {
    TestTrees trees = TestTrees.of("m");
    for (int i = 0; i < 2500; i++) {
      trees.file("/d" + i % 10 + "/file-with-a-long-name-" + i, "content " + i);
    }
    trees.symlink("/link", "target").xattr("/d1", "user.x", new byte[] {1});
    Path file = trees.build(directory).file();
    byte[] good = Files.readAllBytes(file);
    assertTrue(good.length > 3 * TreeFormat.PAGE_BYTES);
    Random random = new Random(3);
    for (int round = 0; round < 60; round++) {
      byte[] bad = good.clone();
      int at = round < 20 ? round * 13 : random.nextInt(bad.length);
      bad[at] ^= (byte) (1 << random.nextInt(8));
      Path copy = Files.write(directory.resolve("bad" + round), bad);
      Exception e =
          assertThrows(Exception.class, () -> TreeIndex.open(copy).verifyAll(), "offset " + at);
      assertTrue(e.getMessage().contains(copy.toString()), e.getMessage());
      assertEquals(1, e.getMessage().lines().count());
      if (e instanceof CorruptTreeException) {
        long page = at / TreeFormat.PAGE_BYTES * (long) TreeFormat.PAGE_BYTES;
        assertTrue(e.getMessage().contains("at offset " + page + ":"), e.getMessage());
      } else {
        assertTrue(e instanceof IOException, e.toString());
      }
    }
  }

  @Test
  void aDamagedPageIsNeverReadAndTheOthersAre() throws IOException {
    TestTrees trees = TestTrees.of("m");
    for (int i = 0; i < 3000; i++) {
      trees.file("/f" + i, "content " + i);
    }
    Path file = trees.build(directory).file();
    int offset = 2 * TreeFormat.PAGE_BYTES + 100;
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer one = ByteBuffer.allocate(1);
      channel.read(one, offset);
      one.flip();
      one.put(0, (byte) ~one.get(0));
      channel.write(one, offset);
    }
    TreeIndex tree = TreeIndex.open(file);
    int damagedSlot = (offset - TreeFormat.HEADER_BYTES) / TreeFormat.INODE_BYTES;
    assertEquals(1, tree.ino(0));
    assertThrows(CorruptTreeException.class, () -> tree.attributes(damagedSlot));
    assertThrows(CorruptTreeException.class, () -> tree.attributes(damagedSlot), "and again");
  }

  @Test
  void aCutFileIsRefused() throws IOException {
    Path file = TestTrees.of("m").file("/a", "1").build(directory).file();
    byte[] good = Files.readAllBytes(file);
    for (int length : new int[] {0, 4, 255, 300, good.length - 33, good.length - 1}) {
      Path cut = Files.write(directory.resolve("cut" + length), Arrays.copyOf(good, length));
      IOException e = assertThrows(IOException.class, () -> TreeIndex.open(cut));
      assertTrue(e.getMessage().contains(cut.toString()), e.getMessage());
    }
    Path longer = Files.write(directory.resolve("longer"), Arrays.copyOf(good, good.length + 1));
    assertThrows(IOException.class, () -> TreeIndex.open(longer));
  }

  @Test
  void aNewerFormatAndAForeignFileAreToldApart() throws IOException {
    Path file = TestTrees.of("m").build(directory).file();
    byte[] bytes = Files.readAllBytes(file);
    bytes[5] = 2;
    Files.write(file, bytes);
    IOException newer = assertThrows(IOException.class, () -> TreeIndex.open(file));
    assertTrue(newer.getMessage().contains("format version 2"), newer.getMessage());
    bytes[0] = 'X';
    Files.write(file, bytes);
    IOException foreign = assertThrows(IOException.class, () -> TreeIndex.open(file));
    assertTrue(foreign.getMessage().contains("is not a tree index"), foreign.getMessage());
  }

  @Test
  void theWrongTreeIsRefused() throws IOException {
    TreeIndex tree = TestTrees.of("m").build(directory);
    assertArrayEquals(tree.rootHash(), TreeIndex.open(tree.file(), tree.rootHash()).rootHash());
    IOException e =
        assertThrows(IOException.class, () -> TreeIndex.open(tree.file(), new byte[32]));
    assertTrue(e.getMessage().contains("is not the one that is asked for"), e.getMessage());
  }

  @Test
  void aFailedWriteLeavesNothing() throws IOException {
    TreeWriter writer = new TreeWriter("m", 1);
    writer.add(node(1, FileType.DIRECTORY));
    Path target = Files.createDirectories(directory.resolve("target/x")).getParent();
    assertThrows(IOException.class, () -> writer.write(target, 2));
    try (Stream<Path> files = Files.list(directory)) {
      assertEquals(List.of(target), files.toList());
    }
  }

  private static TreeWriter rootWith(TreeWriter writer, long ino, FileType type) {
    writer.add(node(1, FileType.DIRECTORY));
    writer.add(node(ino, type));
    writer.addName(1, Name.of("n" + ino), ino);
    return writer;
  }

  private void assertRefused(String why, java.util.function.Consumer<TreeWriter> fill) {
    TreeWriter writer = new TreeWriter("m", 1);
    fill.accept(writer);
    IllegalStateException e =
        assertThrows(
            IllegalStateException.class, () -> writer.write(directory.resolve("refused"), 2));
    assertTrue(e.getMessage().contains(why), e.getMessage());
  }

  private TreeIndex write(TreeWriter writer, String file) throws IOException {
    writer.write(directory.resolve(file), 2);
    return TreeIndex.open(directory.resolve(file));
  }

  private static int walk(RepositoryTree tree, String path) {
    int slot = 0;
    for (String name : path.substring(1).split("/")) {
      slot = tree.lookup(slot, Name.of(name));
    }
    return slot;
  }

  private static TreeNode node(long ino, FileType type) {
    return node(ino, type, 0, List.of());
  }

  private static TreeNode fileNode(long ino, long size) {
    List<BlockId> blocks = new ArrayList<>();
    for (long i = 0; i < TreeWriter.blockCountOf(size); i++) {
      blocks.add(i % 3 == 1 ? null : new BlockId(ino, i, 0, 1));
    }
    return node(ino, FileType.REGULAR, size, blocks);
  }

  private static TreeNode node(long ino, FileType type, long size, List<BlockId> blocks) {
    SortedMap<Name, byte[]> xattrs = new TreeMap<>();
    if (ino % 4 == 0) {
      xattrs.put(Name.of("user.quarter"), new byte[] {(byte) (ino % 5)});
    }
    FileTime time = new FileTime(ino, 1);
    return new TreeNode(
        ino, type, 0644, 0, 0, 0, size, time, time, time, time, null, xattrs, blocks);
  }
}
