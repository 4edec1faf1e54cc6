package io.mapfs.core.importer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.tree.TreeNode;
import io.mapfs.core.tree.TreeWriter;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Each version is written as a list of "path kind[=set]": kinds are d(irectory), f(ile), l(ink);
 * equal sets are hard-linked.
 */
final class InodeNumberingTest {
  @TempDir Path temporary;
  private RepositoryTree previous;
  private long nextIno = 2;
  private int versions;

  private SortedMap<String, Long> version(String... entries) throws Exception {
    NameTree names = new NameTree();
    NameIndex index = new NameIndex(names);
    Map<String, Integer> sets = new HashMap<>();
    Map<String, Integer> nodes = new HashMap<>();
    for (String entry : entries) {
      String path = entry.substring(0, entry.indexOf(' '));
      String kind = entry.substring(entry.indexOf(' ') + 1);
      FileType type =
          switch (kind.charAt(0)) {
            case 'd' -> FileType.DIRECTORY;
            case 'l' -> FileType.SYMLINK;
            default -> FileType.REGULAR;
          };
      int inode =
          kind.length() > 1
              ? sets.computeIfAbsent(kind, k -> names.newInode(type))
              : names.newInode(type);
      int slash = path.lastIndexOf('/');
      int parent = slash < 0 ? NameTree.ROOT : nodes.get(path.substring(0, slash));
      Name name = Name.of(path.substring(slash + 1).getBytes(ISO_8859_1));
      nodes.put(path, index.add(parent, name, inode));
    }
    ChildOrder order = ChildOrder.of(names);
    InodeNumbering numbering = InodeNumbering.of(names, order, previous, nextIno);
    assertTrue(numbering.nextIno() >= nextIno);
    nextIno = numbering.nextIno();
    previous = write(names, order, numbering);
    SortedMap<String, Long> inos = new TreeMap<>();
    nodes.forEach((path, node) -> inos.put(path, numbering.ino(names.inode(node))));
    return inos;
  }

  private RepositoryTree write(NameTree names, ChildOrder order, InodeNumbering numbering)
      throws Exception {
    TreeWriter writer = new TreeWriter("test", ++versions);
    for (int inode = 0; inode < names.inodeCount(); inode++) {
      FileType type = names.inodeType(inode);
      writer.add(
          new TreeNode(
              numbering.ino(inode),
              type,
              0,
              0,
              0,
              0,
              0,
              FileTime.EPOCH,
              FileTime.EPOCH,
              FileTime.EPOCH,
              FileTime.EPOCH,
              type == FileType.SYMLINK ? new byte[] {'x'} : null,
              Collections.emptySortedMap(),
              List.of()));
    }
    for (int place = 1; place < order.size(); place++) {
      int node = order.node(place);
      writer.addName(
          numbering.ino(names.inode(names.parent(node))),
          names.name(node),
          numbering.ino(names.inode(node)));
    }
    Path file = temporary.resolve("v" + versions);
    writer.write(file, nextIno);
    return TreeIndex.open(file);
  }

  @Test
  void numbersAFirstVersionInPathOrder() throws Exception {
    assertEquals(
        Map.of("b", 4L, "a", 2L, "a/x", 3L, "c", 5L), version("b f", "a d", "c f", "a/x f"));
    assertEquals(6, nextIno);
  }

  @Test
  void keepsAPathsNumber() throws Exception {
    SortedMap<String, Long> first = version("a d", "a/x f", "b f", "c l");
    SortedMap<String, Long> second = version("a d", "a/new f", "a/x f", "b f", "c l");
    first.forEach((path, ino) -> assertEquals(ino, second.get(path), path));
    assertEquals(6L, second.get("a/new"));
  }

  @Test
  void givesANewNumberWhereTheTypeChanged() throws Exception {
    version("a d", "a/x f", "b f", "c l");
    SortedMap<String, Long> second = version("a l", "b d", "b/x f", "c f");
    assertEquals(Map.of("a", 6L, "b", 7L, "b/x", 8L, "c", 9L), second);
  }

  @Test
  void givesNewNumbersBelowADirectoryThatWasNone() throws Exception {
    version("a d", "a/x f");
    version("a l");
    SortedMap<String, Long> third = version("a d", "a/x f");
    assertEquals(Map.of("a", 5L, "a/x", 6L), third);
  }

  @Test
  void neverReusesANumber() throws Exception {
    version("a f", "b f");
    version("a f");
    SortedMap<String, Long> third = version("a f", "b f");
    assertEquals(Map.of("a", 2L, "b", 4L), third);
  }

  @Test
  void keepsLinkedNamesTogether() throws Exception {
    SortedMap<String, Long> first = version("a f=1", "b f=1", "c f=1");
    assertEquals(Map.of("a", 2L, "b", 2L, "c", 2L), first);
    assertEquals(first, version("a f=1", "b f=1", "c f=1"));
  }

  @Test
  void lettingOneNameOfASetGoGivesThatNameANewNumber() throws Exception {
    version("a f=1", "b f=1", "c f=1");
    assertEquals(Map.of("a", 3L, "b", 2L, "c", 2L), version("a f", "b f=1", "c f=1"));
    assertEquals(Map.of("a", 3L, "b", 2L, "c", 4L), version("a f", "b f", "c f"));
  }

  @Test
  void splittingAPairKeepsTheFirst() throws Exception {
    version("a f=1", "b f=1");
    assertEquals(Map.of("a", 2L, "b", 3L), version("a f", "b f"));
  }

  @Test
  void aNameThatIsLeftOfASetKeepsItsNumber() throws Exception {
    version("a f=1", "b f=1");
    assertEquals(Map.of("b", 2L), version("b f"));
  }

  @Test
  void joiningTakesTheNumberOfTheFirst() throws Exception {
    version("a f", "b f", "c f");
    assertEquals(Map.of("a", 2L, "b", 2L, "c", 4L), version("a f=1", "b f=1", "c f"));
  }

  @Test
  void aNewNameBeforeDoesNotTakeASetsNumberAway() throws Exception {
    version("b f=1", "c f=1");
    assertEquals(Map.of("a", 2L, "b", 2L, "c", 2L), version("a f=1", "b f=1", "c f=1"));
  }

  @Test
  void exchangingNamesBetweenSetsGoesByTheMajority() throws Exception {
    version("a f=1", "b f=1", "c f=1", "x f=2", "y f=2", "z f=2");
    assertEquals(
        Map.of("a", 3L, "b", 2L, "c", 2L, "x", 2L, "y", 3L, "z", 3L),
        version("a f=2", "b f=1", "c f=1", "x f=1", "y f=2", "z f=2"));
  }

  @Test
  void aRenamedFileIsANewFile() throws Exception {
    version("a f");
    assertEquals(Map.of("b", 3L), version("b f"));
  }

  @Test
  void refusesToRunIntoTheOverlaysNumbers() {
    nextIno = NodeId.FIRST_OVERLAY_INO;
    assertThrows(ImportException.class, () -> version("a f"));
  }
}
