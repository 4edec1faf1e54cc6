package io.mapfs.core.posix;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TreeWalkTest {
  @TempDir Path root;

  private TreeWalk walk(String... excludes) {
    return new TreeWalk(root.toString(), PathSet.of(List.of(excludes)), false);
  }

  private static List<String> rest(TreeWalk walk) throws FsException {
    List<String> steps = new ArrayList<>();
    TreeWalk.Step step = walk.next();
    while (step != TreeWalk.Step.END) {
      steps.add(step + " " + walk.depth() + " " + new String(walk.path(), UTF_8));
      step = walk.next();
    }
    return steps;
  }

  @Test
  void goesInPathOrder() throws Exception {
    Files.createDirectories(root.resolve("b/d"));
    Files.createDirectories(root.resolve("b-"));
    Files.writeString(root.resolve("b/d/x"), "");
    Files.writeString(root.resolve("b/e"), "");
    Files.createSymbolicLink(root.resolve("a"), Path.of("b"));
    try (TreeWalk walk = walk("b/e/", "/nothing")) {
      assertEquals(
          List.of(
              "DIRECTORY 0 ",
              "FILE 1 a",
              "DIRECTORY 1 b",
              "DIRECTORY 2 b/d",
              "FILE 3 b/d/x",
              "DIRECTORY 1 b-"),
          rest(walk));
      assertEquals(TreeWalk.Step.END, walk.next());
    }
  }

  @Test
  void goesDeeperThanDirectoriesStayOpen() throws Exception {
    Path at = root;
    for (int i = 0; i < 150; i++) {
      at = Files.createDirectory(at.resolve("d"));
    }
    Files.writeString(root.resolve("d/z"), "");
    try (TreeWalk walk = walk()) {
      List<String> steps = rest(walk);
      assertEquals(152, steps.size());
      assertEquals("FILE 2 d/z", steps.get(151));
    }
  }

  @Test
  void tellsWhatVanished() throws Exception {
    Files.writeString(root.resolve("a"), "");
    Files.writeString(root.resolve("b"), "");
    try (TreeWalk walk = walk()) {
      assertEquals(TreeWalk.Step.DIRECTORY, walk.next());
      Files.delete(root.resolve("a"));
      assertEquals(List.of("VANISHED 1 a", "FILE 1 b"), rest(walk));
    }
  }

  @Test
  void looksAgainAFewTimes() throws Exception {
    Files.writeString(root.resolve("a"), "");
    Files.writeString(root.resolve("b"), "");
    try (TreeWalk walk = walk()) {
      assertEquals(TreeWalk.Step.DIRECTORY, walk.next());
      for (int i = 0; i < 3; i++) {
        assertEquals(TreeWalk.Step.FILE, walk.next());
        assertEquals("a", walk.name().toString());
        walk.retry();
      }
      assertEquals(TreeWalk.Step.VANISHED, walk.next());
      assertEquals(TreeWalk.Step.FILE, walk.next());
      walk.retry();
      Files.delete(root.resolve("b"));
      Files.createDirectory(root.resolve("b"));
      assertEquals(List.of("DIRECTORY 1 b"), rest(walk));
    }
  }

  @Test
  void refusesToGoOnInAnotherTree() throws Exception {
    Path deepest = root;
    for (int i = 0; i < 100; i++) {
      deepest = Files.createDirectory(deepest.resolve("d"));
      Files.writeString(deepest.resolve("z"), "");
    }
    Path moved = root.resolve("d/d/d");
    try (TreeWalk walk = walk()) {
      for (int i = 0; i <= 100; i++) {
        assertEquals(TreeWalk.Step.DIRECTORY, walk.next());
      }
      Files.move(moved, root.resolve("elsewhere"));
      FsException e = assertThrows(FsException.class, () -> rest(walk));
      assertEquals(Errno.ESTALE, e.errno());
    }
  }

  @Test
  void needsADirectory() throws Exception {
    Path file = Files.writeString(root.resolve("a"), "");
    try (TreeWalk walk = new TreeWalk(file.toString(), PathSet.of(List.of()), false)) {
      assertEquals(Errno.ENOTDIR, assertThrows(FsException.class, walk::next).errno());
    }
    assertThrows(IllegalArgumentException.class, () -> PathSet.of(List.of("a/../..")));
    assertThrows(IllegalArgumentException.class, () -> PathSet.of(List.of("./")));
    assertFalse(PathSet.of(List.of("a/b")).child(io.mapfs.core.fs.Name.of("a")).included());
  }
}
