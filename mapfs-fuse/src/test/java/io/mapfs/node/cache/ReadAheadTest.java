package io.mapfs.node.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.block.ReadScope;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TestTrees;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ReadAheadTest {
  private static final int BLOCK = BlockId.BLOCK_BYTES;
  private static final int WINDOW = 4 << 20;

  @TempDir private Path directory;
  private final TestTrees trees = TestTrees.of("debian");
  private final Set<BlockId> asked = new LinkedHashSet<>();
  private final List<Integer> batches = new ArrayList<>();
  private long askedBytes;
  private int hintsHeard = Integer.MAX_VALUE;
  private final ReadAhead readAhead = new ReadAhead(this::prefetch, WINDOW);
  private RepositoryTree tree;

  private int prefetch(ReadScope scope, List<BlockHint> hints) {
    assertEquals(new ReadScope.Version("debian", 1), scope);
    int heard = Math.min(hints.size(), hintsHeard);
    for (BlockHint hint : hints.subList(0, heard)) {
      asked.add(hint.id());
      askedBytes += hint.rawBytes();
    }
    batches.add(heard);
    return heard;
  }

  private void build() throws IOException {
    tree = trees.build(directory);
  }

  private int slot(String path) {
    return tree.slotOf(trees.ino(path));
  }

  private void read(String path, int block) {
    readAhead.reading(tree, slot(path), block, block);
  }

  private boolean isAsked(String path, int block) {
    return asked.contains(tree.block(slot(path), block));
  }

  /** A file whose blocks differ from those of all others. */
  private void file(String path, int bytes) {
    trees.file(path, FakeSource.content(path.hashCode(), bytes));
  }

  @Test
  void runsAheadOfAFileReadInOrderWithAWindowThatGrows() throws Exception {
    file("/big", 100 * BLOCK + 17);
    build();
    long before = 0;
    for (int block = 0; block < 60; block++) {
      read("/big", block);
      long ahead = askedBytes - (long) block * BLOCK;
      assertTrue(ahead <= WINDOW, "ahead " + ahead);
      assertTrue(askedBytes >= before);
      before = askedBytes;
      assertTrue(isAsked("/big", block + 1), "block " + (block + 1));
    }
    for (int block = 60; block <= 100; block++) {
      read("/big", block);
    }
    // All but the one that was read first, each once.
    assertEquals(100, asked.size());
    assertEquals(100L * BLOCK + 17 - BLOCK, askedBytes);
  }

  @Test
  void readsAtRandomAskForNothing() throws Exception {
    file("/big", 200 * BLOCK);
    build();
    for (int block : new int[] {90, 3, 150, 60, 199, 20, 120}) {
      read("/big", block);
    }
    assertEquals(Set.of(), asked);
    read("/big", 121);
    assertTrue(isAsked("/big", 122));
  }

  @Test
  void aReadOfSeveralBlocksIsFetchedAtOnce() throws Exception {
    file("/big", 200 * BLOCK);
    build();
    readAhead.reading(tree, slot("/big"), 100, 107);
    assertEquals(List.of(8), batches);
    for (int block = 100; block <= 107; block++) {
      assertTrue(isAsked("/big", block));
    }
  }

  @Test
  void oneFileSaysNothingOfTheNext() throws Exception {
    file("/d/a", 100);
    file("/d/b", 100);
    file("/z/q", 100);
    build();
    read("/d/a", 0);
    read("/z/q", 0);
    assertEquals(Set.of(), asked);
  }

  @Test
  void goesThroughTheTreeInPathOrderAfterTwoFiles() throws Exception {
    List<String> paths = new ArrayList<>();
    for (int d = 0; d < 20; d++) {
      for (int f = 0; f < 40; f++) {
        String path = String.format("/usr/share/d%02d/f%02d", d, f);
        file(path, 3000 + 100 * f);
        paths.add(path);
      }
    }
    trees.symlink("/usr/share/d03/link", "f01");
    file("/usr/share/d05/f07/below/x", 10);
    trees.remove("/usr/share/d05/f07");
    file("/usr/share/d05/f07", 9);
    build();
    read(paths.get(0), 0);
    assertEquals(Set.of(), asked);
    int unexpected = 0;
    for (int i = 1; i < paths.size(); i++) {
      if (!isAsked(paths.get(i), 0)) {
        unexpected++;
      }
      read(paths.get(i), 0);
    }
    assertEquals(1, unexpected);
    assertEquals(paths.size() - 2, asked.size());
    // In batches, not one by one.
    assertTrue(batches.size() < paths.size() / 4, "batches: " + batches);
  }

  @Test
  void filesReadInAnotherOrderWithinTheWindowAreExpectedToo() throws Exception {
    List<String> paths = new ArrayList<>();
    for (int f = 0; f < 400; f++) {
      paths.add(String.format("/d/f%03d", f));
      file(paths.get(f), 2000);
    }
    build();
    read(paths.get(0), 0);
    read(paths.get(1), 0);
    int unexpected = 0;
    for (int i = 2; i + 8 <= paths.size(); i += 8) {
      for (int back = 7; back >= 0; back--) {
        unexpected += isAsked(paths.get(i + back), 0) ? 0 : 1;
        read(paths.get(i + back), 0);
      }
    }
    assertEquals(0, unexpected);
  }

  @Test
  void aFullQueueIsAskedAgain() throws Exception {
    file("/big", 50 * BLOCK);
    build();
    hintsHeard = 1;
    read("/big", 0);
    assertEquals(1, asked.size());
    hintsHeard = Integer.MAX_VALUE;
    for (int block = 1; block < 50; block++) {
      read("/big", block);
      assertTrue(block == 49 || isAsked("/big", block + 1), "block " + block);
    }
  }

  @Test
  void holesAndHardLinksDoNotStopIt() throws Exception {
    file("/a/one", 3000);
    trees.hole("/a/sparse", 40L * BLOCK);
    file("/a/two", 3000);
    trees.link("/b/one-again", "/a/one");
    file("/c/three", 3000);
    build();
    read("/a/one", 0);
    read("/a/sparse", 0);
    for (int block = 1; block < 40; block++) {
      read("/a/sparse", block);
    }
    read("/a/two", 0);
    assertTrue(isAsked("/c/three", 0));
    read("/a/one", 0);
    read("/c/three", 0);
  }

  @Test
  void manyReadersKeepTheirStreamsWithinTheBound() throws Exception {
    for (int f = 0; f < 40; f++) {
      file("/d" + f + "/big", 40 * BLOCK);
    }
    build();
    for (int round = 0; round < 3; round++) {
      for (int f = 0; f < 40; f++) {
        read("/d" + f + "/big", round);
      }
    }
    for (int f = 0; f < 40; f++) {
      assertTrue(isAsked("/d" + f + "/big", 1));
    }
  }
}
