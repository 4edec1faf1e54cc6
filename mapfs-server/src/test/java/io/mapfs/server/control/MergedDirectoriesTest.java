package io.mapfs.server.control;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.Change;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.tree.TreeIndex;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A directory that the node and a version both have, through versions to and fro. */
final class MergedDirectoriesTest {
  private static final long APP = NodeId.FIRST_OVERLAY_INO;
  private static final long MINE = APP + 1;
  private static final long CLASH = APP + 2;
  private static final long SUB = APP + 3;
  private static final long OWN = APP + 4;

  @TempDir Path directory;
  private final TestTrees trees = TestTrees.of("debian").file("/etc/passwd", "root");
  private ApplianceRig rig;
  private HeadReading head;
  private int version;

  @BeforeEach
  void aNodeWithADirectoryOfItsOwn() throws Exception {
    rig = new ApplianceRig(directory);
    rig.importTree(trees);
    rig.admin("node.add", "node", "web01", "master", "debian");
    NodeWriter writer = rig.mount("web01");
    writer
        .directory(1, "app", APP)
        .file(APP, "mine", MINE, content())
        .file(APP, "clash", CLASH, content());
    writer.directory(APP, "sub", SUB).file(SUB, "own", OWN, content());
    writer.ship();
    writer.unmount();
  }

  @AfterEach
  void close() throws Exception {
    rig.close();
  }

  private static byte[] content() {
    return "the node's".getBytes(UTF_8);
  }

  private void importSecond() throws Exception {
    trees
        .file("/app/theirs", "two")
        .file("/app/clash", "two")
        .file("/app/sub/more", "two")
        .file("/app/dir/deep/file", "two");
    rig.importTree(trees);
  }

  private List<String> update(int to) throws Exception {
    JsonObject said = rig.admin("node.update", "node", "web01", "to", String.valueOf(to));
    return said.getAsJsonArray("conflicts").asList().stream()
        .map(element -> element.getAsJsonObject())
        .map(each -> each.get("kind").getAsString() + " " + each.get("path").getAsString())
        .toList();
  }

  /** Mounts, which carries out what is pending, and learns what the node sees. */
  private NodeWriter mount() throws Exception {
    NodeWriter writer = rig.mount("web01");
    version = writer.opened.version();
    head = new HeadReading(rig, writer.session, "web01");
    return writer;
  }

  /** All names below a directory with their inode numbers, as a node would resolve them. */
  private SortedMap<String, Long> shown(String path, long ino) throws Exception {
    TreeIndex tree = TreeIndex.open(rig.root.resolve("trees/debian/" + version + ".tree"));
    SortedMap<String, Long> shown = new TreeMap<>();
    walk(tree, path, ino, shown);
    return shown;
  }

  private void walk(RepositoryTree tree, String path, long ino, SortedMap<String, Long> shown) {
    SortedMap<String, Long> children = new TreeMap<>();
    int slot = NodeId.isOverlayIno(ino) ? RepositoryTree.NONE : tree.slotOf(ino);
    for (int i = 0; slot != RepositoryTree.NONE && i < tree.childCount(slot); i++) {
      children.put(tree.childName(slot, i).toString(), tree.ino(tree.childSlot(slot, i)));
    }
    for (Map.Entry<String, Change> row : head.names.entrySet()) {
      if (row.getKey().startsWith(ino + "/")) {
        String name = row.getKey().substring(row.getKey().indexOf('/') + 1);
        children.remove(name);
        if (row.getValue() instanceof Change.PutDentry put) {
          children.put(name, put.ino());
        }
      }
    }
    for (Map.Entry<String, Long> child : children.entrySet()) {
      long childIno = child.getValue();
      int childSlot = NodeId.isOverlayIno(childIno) ? RepositoryTree.NONE : tree.slotOf(childIno);
      assertTrue(
          childSlot != RepositoryTree.NONE || head.inodes.containsKey(childIno),
          path + "/" + child.getKey() + " leads nowhere");
      shown.put(path + "/" + child.getKey(), childIno);
      boolean directory =
          head.inodes.containsKey(childIno)
              ? head.inodes.get(childIno).type() == FileType.DIRECTORY
              : tree.type(childSlot) == FileType.DIRECTORY;
      if (directory) {
        walk(tree, path + "/" + child.getKey(), childIno, shown);
      }
    }
  }

  private Set<String> names() throws Exception {
    return shown("/app", APP).keySet();
  }

  @Test
  void theNodesEntriesStayAndTheVersionsAppear() throws Exception {
    importSecond();
    assertEquals(List.of("added-on-both-sides /app/clash"), update(2));
    NodeWriter writer = mount();
    SortedMap<String, Long> all = shown("", NodeId.ROOT);
    assertEquals(APP, all.get("/app"));
    assertEquals(MINE, all.get("/app/mine"));
    assertEquals(CLASH, all.get("/app/clash"));
    assertEquals(SUB, all.get("/app/sub"));
    assertEquals(OWN, all.get("/app/sub/own"));
    for (String theirs :
        List.of("/app/theirs", "/app/sub/more", "/app/dir", "/app/dir/deep/file", "/etc/passwd")) {
      assertEquals(trees.ino(theirs), all.get(theirs), theirs);
    }
    assertEquals(12, all.size(), all::toString);
    // It had 1 before (the writer does not count). The directory that came is one more; it knows
    // where it is.
    assertEquals(2, head.inodes.get(APP).nlinkDelta());
    assertEquals(APP, head.inodes.get(trees.ino("/app/dir")).parentIno());
    assertFalse(head.inodes.containsKey(trees.ino("/app/theirs")), "a file needs no record");
    writer.unmount();
    rig.admin("node.update", "node", "web01", "to", "2");
    mount();
    assertEquals(all, shown("", NodeId.ROOT));
  }

  @Test
  void attributesThatDifferAreAConflict() throws Exception {
    trees.directory("/app", 0700);
    importSecond();
    assertEquals(List.of("added-on-both-sides /app", "added-on-both-sides /app/clash"), update(2));
    mount();
    assertEquals(0755, head.inodes.get(APP).permissions());
  }

  @Test
  void laterVersionsAreFollowedAndWhatTheNodeRemovedStaysAway() throws Exception {
    importSecond();
    update(2);
    NodeWriter writer = mount();
    writer.add(new Change.DropDentry(APP, Name.of("theirs"))).ship();
    writer.unmount();
    Set<String> second = Set.copyOf(names());
    long dir = trees.ino("/app/dir");
    trees
        .file("/app/theirs", "three")
        .file("/app/late", "three")
        .file("/app/sub/late", "three")
        .remove("/app/dir/deep/file")
        .remove("/app/dir/deep")
        .remove("/app/dir");
    rig.importTree(trees);
    assertEquals(List.of("changed-and-removed /app/theirs"), update(3));
    mount().unmount();
    Set<String> third =
        Set.of(
            "/app/clash",
            "/app/late",
            "/app/mine",
            "/app/sub",
            "/app/sub/late",
            "/app/sub/more",
            "/app/sub/own");
    assertEquals(third, names());
    assertEquals(1, head.inodes.get(APP).nlinkDelta());
    assertNull(head.inodes.get(dir));
    // To where no such directory was, and back: only the node's, then all but what it removed.
    assertEquals(List.of(), update(1));
    mount().unmount();
    assertEquals(Set.of("/app/clash", "/app/mine", "/app/sub", "/app/sub/own"), names());
    assertEquals(
        Set.of(APP, MINE, CLASH, SUB, OWN, NodeId.ROOT), union(head.inodes.keySet(), NodeId.ROOT));
    assertEquals(List.of("added-on-both-sides /app/clash"), update(3));
    mount().unmount();
    assertEquals(third, names());
    update(2);
    mount().unmount();
    second = new TreeSet<>(second);
    second.remove("/app/theirs");
    assertEquals(second, names());
  }

  private static Set<Long> union(Set<Long> inos, long one) {
    Set<Long> union = new HashSet<>(inos);
    union.add(one);
    return union;
  }

  @Test
  void whatTheNodeChangedOfItStaysWhenTheVersionGoes() throws Exception {
    importSecond();
    update(2);
    NodeWriter writer = mount();
    long theirs = trees.ino("/app/theirs");
    long dir = trees.ino("/app/dir");
    writer.add(new Change.PutInode(theirs, NodeWriter.ownAttributes(FileType.REGULAR, 0600)));
    writer.file(dir, "note", OWN + 1, content()).ship();
    writer.unmount();
    assertEquals(List.of("parent-removed /app/dir", "removed-and-changed /app/theirs"), update(1));
    mount().unmount();
    assertEquals(
        Set.of(
            "/app/clash",
            "/app/dir",
            "/app/dir/note",
            "/app/mine",
            "/app/sub",
            "/app/sub/own",
            "/app/theirs"),
        names());
    assertEquals(theirs, shown("/app", APP).get("/app/theirs"));
    assertEquals(2, head.inodes.get(theirs).baseVersion(), "its content is the second version's");
    assertEquals(APP, head.inodes.get(dir).parentIno());
  }

  @Test
  void whatTheNodeRenamedOfItStaysWhenTheVersionGoes() throws Exception {
    importSecond();
    update(2);
    NodeWriter writer = mount();
    long dir = trees.ino("/app/dir");
    writer.add(new Change.DropDentry(APP, Name.of("dir")));
    writer.add(new Change.PutDentry(APP, Name.of("moved"), dir, FileType.DIRECTORY, 99));
    writer.ship();
    writer.unmount();
    assertEquals(List.of("removed-and-changed /app/moved"), update(1));
    mount().unmount();
    assertEquals(
        Set.of("/app/clash", "/app/mine", "/app/moved", "/app/sub", "/app/sub/own"), names());
    update(2);
    mount().unmount();
    assertFalse(names().contains("/app/dir"));
    assertEquals(dir, shown("/app", APP).get("/app/moved"));
  }

  @Test
  void itFollowsTheDirectoryThatTheNodeMoves() throws Exception {
    importSecond();
    update(2);
    NodeWriter writer = mount();
    writer.add(new Change.PutWhiteout(1, Name.of("app")));
    writer.add(new Change.PutDentry(1, Name.of("moved"), APP, FileType.DIRECTORY, 99));
    writer.ship();
    writer.unmount();
    trees.file("/app/late", "three").remove("/app/theirs");
    rig.importTree(trees);
    update(3);
    mount().unmount();
    SortedMap<String, Long> all = shown("", NodeId.ROOT);
    assertEquals(trees.ino("/app/late"), all.get("/moved/late"));
    assertFalse(all.containsKey("/moved/theirs"));
    assertFalse(all.containsKey("/app"));
    assertEquals(APP, all.get("/moved"));
  }

  @Test
  void aDirectoryThatWasRemovedAndMadeAgainIsOpaque() throws Exception {
    NodeWriter writer = mount();
    writer.directory(1, "etc", OWN + 1).file(OWN + 1, "mine", OWN + 2, content()).ship();
    writer.unmount();
    trees.file("/etc/new", "two");
    rig.importTree(trees);
    update(2);
    mount().unmount();
    assertEquals(Set.of("/etc/mine"), shown("/etc", OWN + 1).keySet());
  }

  @Test
  void aRollbackBringsBackWhatWasBefore() throws Exception {
    rig.admin("snapshot.create", "node", "web01", "name", "before");
    mount().unmount();
    SortedMap<String, Long> before = shown("", NodeId.ROOT);
    importSecond();
    update(2);
    mount().unmount();
    SortedMap<String, Long> merged = shown("", NodeId.ROOT);
    rig.admin("snapshot.create", "node", "web01", "name", "merged");
    rig.admin("rollback", "node", "web01", "snapshot", "before");
    mount().unmount();
    assertEquals(before, shown("", NodeId.ROOT));
    assertEquals(1, version);
    rig.admin("rollback", "node", "web01", "snapshot", "merged");
    mount().unmount();
    assertEquals(merged, shown("", NodeId.ROOT));
    trees.remove("/app/theirs");
    rig.importTree(trees);
    update(3);
    mount().unmount();
    merged.remove("/app/theirs");
    assertEquals(merged, shown("", NodeId.ROOT));
  }
}
