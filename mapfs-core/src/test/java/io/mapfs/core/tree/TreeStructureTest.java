package io.mapfs.core.tree;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files with right hashes and wrong content, as a hostile writer would send them. */
final class TreeStructureTest {
  @TempDir Path directory;
  private byte[] good;

  @BeforeEach
  void build() throws IOException {
    TestTrees trees =
        TestTrees.of("m")
            .file("/a/b/c/file", new byte[200_000])
            .link("/a/other", "/a/b/c/file")
            .symlink("/a/link", "b/c")
            .special("/dev/null", FileType.CHARACTER_DEVICE, 0x103)
            .xattr("/a/link", "user.x", new byte[] {1, 2, 3})
            .hole("/hole", 1 << 20)
            .directory("/empty", 0700);
    good = Files.readAllBytes(trees.build(directory).file());
  }

  @Test
  void aTreeThatPassesCanBeReadThroughout() throws Exception {
    Random random = new Random(17);
    int refused = 0;
    for (int round = 0; round < 400; round++) {
      byte[] bad = good.clone();
      int pagesEnd = (int) ByteBuffer.wrap(bad).getLong(TreeFormat.HEADER_PAGES_END);
      for (int changes = 1 + random.nextInt(2); changes > 0; changes--) {
        int at = random.nextInt(pagesEnd);
        bad[at] =
            switch (random.nextInt(3)) {
              case 0 -> (byte) (bad[at] ^ (1 << random.nextInt(8)));
              case 1 -> (byte) random.nextInt(256);
              default -> good[random.nextInt(pagesEnd)];
            };
      }
      try {
        TreeIndex tree = openRehashed(bad);
        tree.verifyAll();
        assertEquals(tree.entryCount(), readAll(tree, 0));
      } catch (IOException | CorruptTreeException e) {
        assertEquals(1, e.getMessage().lines().count());
        refused++;
      }
    }
    assertTrue(refused > 100, "refused " + refused);
  }

  @Test
  void directoriesInACircleAreRefused() throws Exception {
    TreeIndex tree = TreeIndex.open(directory.resolve("m-1.tree"));
    int a = tree.lookup(0, Name.of("a"));
    int c = tree.lookup(tree.lookup(a, Name.of("b")), Name.of("c"));
    byte[] bad = good.clone();
    int inode = TreeFormat.HEADER_BYTES + a * TreeFormat.INODE_BYTES;
    ByteBuffer.wrap(bad).putInt(inode + TreeFormat.INODE_PARENT, c);
    TreeIndex circle = openRehashed(bad);
    CorruptTreeException e = assertThrows(CorruptTreeException.class, circle::verifyAll);
    assertTrue(e.getMessage().contains("at offset " + inode + ":"), e.getMessage());
  }

  private static long readAll(TreeIndex tree, int slot) {
    long entries = 0;
    tree.attributes(slot);
    tree.xattrs(slot);
    tree.symlinkTarget(slot);
    for (int block = 0; block < tree.blockCount(slot); block++) {
      tree.block(slot, block);
    }
    assertEquals(slot, tree.slotOf(tree.ino(slot)));
    for (int child = 0; child < tree.childCount(slot); child++) {
      assertEquals(tree.childSlot(slot, child), tree.lookup(slot, tree.childName(slot, child)));
      entries += 1 + readAll(tree, tree.childSlot(slot, child));
    }
    return entries;
  }

  private TreeIndex openRehashed(byte[] bytes) throws Exception {
    int pagesEnd = (int) ByteBuffer.wrap(good).getLong(TreeFormat.HEADER_PAGES_END);
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.write(bytes, 0, pagesEnd);
    ByteArrayOutputStream hashes = new ByteArrayOutputStream();
    for (int at = 0; at < pagesEnd; at += TreeFormat.PAGE_BYTES) {
      digest.update(bytes, at, Math.min(TreeFormat.PAGE_BYTES, pagesEnd - at));
      hashes.writeBytes(digest.digest());
    }
    digest.update(bytes, 0, TreeFormat.HEADER_BYTES);
    file.writeBytes(hashes.toByteArray());
    file.writeBytes(digest.digest(hashes.toByteArray()));
    Path path = directory.resolve("rehashed");
    Files.deleteIfExists(path);
    return TreeIndex.open(Files.write(path, file.toByteArray()));
  }
}
