package io.mapfs.server.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.wire.Message;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random records against a plain model of what they say: after every step the head, also that of a
 * store as a crash would leave it, and in the end every snapshot.
 */
final class OverlayModelTest {
  private static final int STEPS = 30;
  private static final int PAGE = Change.PAGE_BYTES;
  private static final int MOST_BYTES = 500_000;

  @TempDir Path directory;

  /** What the overlay should be. */
  private static final class Model {
    final Map<Long, byte[]> contents = new TreeMap<>();
    final Map<Long, Long> baseLimits = new HashMap<>();
    final Map<String, Long> names = new TreeMap<>();

    Model copy() {
      Model copy = new Model();
      contents.forEach((ino, content) -> copy.contents.put(ino, content.clone()));
      copy.baseLimits.putAll(baseLimits);
      copy.names.putAll(names);
      return copy;
    }
  }

  private ApplianceRig rig;
  private NodeWriter writer;
  private Random random;
  private Model model = new Model();
  private long nextIno = NodeId.FIRST_OVERLAY_INO;
  private long baseIno;
  private byte[] baseContent;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void headFollowsTheModel(long seed) throws Exception {
    random = new Random(seed);
    baseContent = new byte[300_001];
    random.nextBytes(baseContent);
    rig = new ApplianceRig(directory);
    try {
      TestTrees trees = TestTrees.of("m").file("/base", baseContent);
      baseIno = trees.ino("/base");
      rig.importTree(trees);
      rig.admin("node.add", "node", "n", "master", "m");
      mount();
      Map<String, Model> snapshots = new TreeMap<>();
      for (int step = 0; step < STEPS; step++) {
        String what = "seed " + seed + ", step " + step;
        int dice = random.nextInt(20);
        if (dice == 0) {
          String id = rig.admin("snapshot.create", "node", "n").get("id").getAsString();
          snapshots.put(id, model.copy());
        } else if (dice == 1 && !snapshots.isEmpty()) {
          rollBackTo(pick(snapshots), snapshots);
        } else if (dice == 2) {
          rig.reopen();
          mount();
        } else if (dice == 3 && !snapshots.isEmpty()) {
          String id = pick(snapshots);
          rig.admin("snapshot.delete", "node", "n", "snapshot", id);
          snapshots.remove(id);
        } else {
          record();
        }
        check(rig, what);
        if (dice % 5 == 0) {
          checkCrashed(what);
        }
      }
      for (String id : List.copyOf(snapshots.keySet())) {
        rollBackTo(id, snapshots);
        check(rig, "seed " + seed + ", snapshot " + id);
      }
    } finally {
      rig.close();
    }
  }

  private String pick(Map<String, Model> snapshots) {
    return new ArrayList<>(snapshots.keySet()).get(random.nextInt(snapshots.size()));
  }

  private void mount() throws Exception {
    writer = rig.mount("n");
    writer.session.answers = barrier -> new Message.Appended(writer.sequence);
    assertEquals(nextIno, writer.opened.nextIno(), "numbers are not used again");
  }

  private void rollBackTo(String id, Map<String, Model> snapshots) throws Exception {
    writer.unmount();
    String saved = rig.admin("rollback", "node", "n", "snapshot", id).get("savedAs").getAsString();
    snapshots.put(saved, model.copy());
    model = snapshots.get(id).copy();
    mount();
  }

  // ---- one record ----

  private void record() throws Exception {
    int files = 1 + random.nextInt(3);
    List<Long> touched = new ArrayList<>();
    for (int i = 0; i < files; i++) {
      int dice = random.nextInt(10);
      if (dice < 3) {
        touched.add(nextIno);
        create();
      } else if (dice == 3 && !model.names.isEmpty()) {
        drop(touched);
      } else {
        long ino = pickFile();
        if (!touched.contains(ino)) {
          touched.add(ino);
          change(ino);
        }
      }
    }
    writer.ship();
  }

  private long pickFile() {
    List<Long> inos = new ArrayList<>(model.contents.keySet());
    inos.add(baseIno);
    return inos.get(random.nextInt(inos.size()));
  }

  private void create() throws Exception {
    long ino = nextIno++;
    byte[] content = new byte[random.nextInt(MOST_BYTES)];
    random.nextBytes(content);
    writer.file(1, "f" + ino, ino, content);
    model.contents.put(ino, content);
    model.names.put("f" + ino, ino);
  }

  private void drop(List<Long> touched) {
    String name = new ArrayList<>(model.names.keySet()).get(random.nextInt(model.names.size()));
    long ino = model.names.get(name);
    if (touched.contains(ino)) {
      return;
    }
    touched.add(ino);
    model.names.remove(name);
    model.contents.remove(ino);
    writer.add(new Change.DropDentry(1, Name.of(name)));
    writer.add(new Change.DropInode(ino));
  }

  /** Cuts, then zeroes, then writes, each perhaps; as the canonical order has it. */
  private void change(long ino) throws Exception {
    byte[] content =
        ino == baseIno
            ? model.contents.getOrDefault(ino, baseContent).clone()
            : model.contents.get(ino).clone();
    long limit = ino == baseIno ? model.baseLimits.getOrDefault(ino, (long) baseContent.length) : 0;
    boolean[] written = new boolean[MOST_BYTES / PAGE + 2];
    if (random.nextInt(3) == 0) {
      int size = random.nextInt(content.length + 1);
      content = Arrays.copyOf(content, size);
      limit = Math.min(limit, size);
      writer.add(new Change.TruncatePages(ino, (size + PAGE - 1) / PAGE));
      if (size % PAGE != 0) {
        written[size / PAGE] = true;
      }
    }
    if (random.nextInt(3) == 0 && content.length > 0) {
      int first = random.nextInt(content.length / PAGE + 1);
      int count = 1 + random.nextInt(60);
      writer.add(new Change.ZeroPages(ino, first, count));
      int from = Math.min(content.length, first * PAGE);
      int to = Math.min(content.length, (first + count) * PAGE);
      Arrays.fill(content, from, to, (byte) 0);
    }
    for (int writes = random.nextInt(3); writes > 0; writes--) {
      int at = random.nextInt(MOST_BYTES - 50_000);
      byte[] bytes = new byte[1 + random.nextInt(50_000)];
      if (random.nextInt(4) > 0) {
        random.nextBytes(bytes);
      }
      if (at + bytes.length > content.length) {
        content = Arrays.copyOf(content, at + bytes.length);
      }
      System.arraycopy(bytes, 0, content, at, bytes.length);
      Arrays.fill(written, at / PAGE, (at + bytes.length - 1) / PAGE + 1, true);
    }
    for (int page = 0; page * PAGE < content.length; page++) {
      if (written[page]) {
        writer.page(
            ino,
            page,
            Arrays.copyOfRange(content, page * PAGE, Math.min(content.length, (page + 1) * PAGE)));
      }
    }
    InodeState state =
        ino == baseIno
            ? NodeWriter.ownData(1, limit, content.length)
            : NodeWriter.own(FileType.REGULAR, 0644, content.length, 0);
    writer.add(new Change.PutInode(ino, state));
    model.contents.put(ino, content);
    model.baseLimits.put(ino, limit);
  }

  // ---- checks ----

  private void check(ApplianceRig checked, String what) throws Exception {
    HeadReading head = new HeadReading(checked, checked.session("n"), "n");
    TreeIndex base = TreeIndex.open(checked.root.resolve("trees/m/1.tree"));
    assertEquals(model.contents.keySet(), head.inodes.keySet(), what);
    for (Map.Entry<Long, byte[]> file : model.contents.entrySet()) {
      assertArrayEquals(
          file.getValue(), head.content(file.getKey(), base), what + ", inode " + file.getKey());
    }
    assertEquals(model.names.size(), head.names.size(), what);
    assertEquals(
        model.contents.size(),
        checked.admin("node.show", "node", "n").get("entries").getAsLong(),
        what);
  }

  /** A copy of the files, as they are, is what kill -9 leaves. */
  private void checkCrashed(String what) throws Exception {
    Path copy = Files.createTempDirectory(directory, "crash");
    Path store = copy.resolve("store");
    Files.createDirectories(store);
    // Rows first: what they name was written before them.
    for (String name :
        List.of("rows", "index", "packs", "control", "overlays", "trees", "keys", "FORMAT")) {
      copyTree(rig.root.resolve(name), store.resolve(name));
    }
    try (ApplianceRig crashed = ApplianceRig.onCopy(copy)) {
      check(crashed, what + ", after a crash");
      Message.OverlayOpened opened = crashed.mount("n").opened;
      assertEquals(writer.sequence, opened.sequence(), what);
      assertArrayEquals(writer.hash, opened.hash(), what);
    }
  }

  private static void copyTree(Path from, Path to) throws IOException {
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes)
              throws IOException {
            Files.createDirectories(to.resolve(from.relativize(path)));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path path, BasicFileAttributes attributes)
              throws IOException {
            Path target = from.equals(path) ? to : to.resolve(from.relativize(path));
            Files.copy(path, target);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
