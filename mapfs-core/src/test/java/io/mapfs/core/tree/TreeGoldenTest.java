package io.mapfs.core.tree;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Format version 1 as it was first written: the bytes in {@code tree-v1.hex} never change. */
final class TreeGoldenTest {
  @TempDir Path directory;

  @Test
  void theFileIsWrittenAsItAlwaysWas() throws IOException {
    Path file = directory.resolve("tree");
    sample().write(file, 12);
    assertEquals(
        HexFormat.of().formatHex(golden()), HexFormat.of().formatHex(Files.readAllBytes(file)));
  }

  @Test
  void theFileIsReadAsItAlwaysWas() throws IOException {
    TreeIndex tree = TreeIndex.open(Files.write(directory.resolve("tree"), golden()));
    tree.verifyAll();
    assertEquals("debian", tree.master());
    assertEquals(3, tree.version());
    assertEquals(12, tree.nextIno());
    assertEquals(6, tree.inodeCount());
    assertEquals(6, tree.entryCount());
    assertEquals(300_000, tree.contentBytes());
    int etc = tree.lookup(0, Name.of("etc"));
    int file = tree.lookup(etc, Name.of("file"));
    assertEquals(file, tree.lookup(0, Name.of(new byte[] {(byte) 0xe9})));
    assertEquals(2, tree.attributes(file).nlink());
    assertEquals(0104755, tree.attributes(file).mode());
    assertEquals(new FileTime(-1, 999_999_999), tree.attributes(file).mtime());
    assertEquals(new BlockId(1, 2, 3, 4), tree.block(file, 0));
    assertNull(tree.block(file, 1));
    assertEquals(new BlockId(5, 6, 7, 8), tree.block(file, 2));
    assertArrayEquals(new byte[] {1, 2}, tree.xattr(etc, Name.of("user.a")));
    assertArrayEquals(new byte[] {1, 2}, tree.xattr(file, Name.of("user.a")));
    assertArrayEquals(
        "file".getBytes(UTF_8), tree.symlinkTarget(tree.lookup(etc, Name.of("link"))));
    assertEquals(0x103, tree.attributes(tree.lookup(0, Name.of("null"))).rdev());
    assertEquals(FileType.DIRECTORY, tree.type(tree.lookup(0, Name.of("empty"))));
  }

  private static TreeWriter sample() {
    SortedMap<Name, byte[]> xattrs = new TreeMap<>();
    xattrs.put(Name.of("user.a"), new byte[] {1, 2});
    SortedMap<Name, byte[]> none = new TreeMap<>();
    List<BlockId> blocks =
        new ArrayList<>(Arrays.asList(new BlockId(1, 2, 3, 4), null, new BlockId(5, 6, 7, 8)));
    TreeWriter writer = new TreeWriter("debian", 3);
    writer.add(node(1, FileType.DIRECTORY, 0755, 0, 0, null, none, List.of()));
    writer.add(node(2, FileType.DIRECTORY, 01777, 0, 0, null, xattrs, List.of()));
    writer.add(node(5, FileType.REGULAR, 04755, 0, 300_000, null, xattrs, blocks));
    writer.add(node(6, FileType.SYMLINK, 0777, 0, 0, "file".getBytes(UTF_8), none, List.of()));
    writer.add(node(9, FileType.CHARACTER_DEVICE, 0666, 0x103, 0, null, none, List.of()));
    writer.add(node(10, FileType.DIRECTORY, 0700, 0, 0, null, none, List.of()));
    writer.addName(1, Name.of("etc"), 2);
    writer.addName(2, Name.of("file"), 5);
    writer.addName(1, Name.of(new byte[] {(byte) 0xe9}), 5);
    writer.addName(2, Name.of("link"), 6);
    writer.addName(1, Name.of("null"), 9);
    writer.addName(1, Name.of("empty"), 10);
    return writer;
  }

  private static TreeNode node(
      long ino,
      FileType type,
      int permissions,
      int rdev,
      long sizeBytes,
      byte[] target,
      SortedMap<Name, byte[]> xattrs,
      List<BlockId> blocks) {
    FileTime mtime = new FileTime(-1, 999_999_999);
    FileTime ctime = new FileTime(1_700_000_000L + ino, 1);
    return new TreeNode(
        ino,
        type,
        permissions,
        1000,
        (int) ino,
        rdev,
        sizeBytes,
        mtime,
        mtime,
        ctime,
        FileTime.EPOCH,
        target,
        xattrs,
        blocks);
  }

  private static byte[] golden() throws IOException {
    try (InputStream in = TreeGoldenTest.class.getResourceAsStream("tree-v1.hex")) {
      String hex = new String(in.readAllBytes(), UTF_8).replaceAll("\\s", "");
      return HexFormat.of().parseHex(hex);
    }
  }
}
