package io.mapfs.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.Name;
import io.mapfs.core.tree.CorruptTreeException;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TestTrees;
import io.mapfs.core.tree.TreeIndex;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TreeFilesTest {
  @TempDir private Path temp;
  private final FakeAppliance appliance = new FakeAppliance();
  private final TestTrees trees = TestTrees.of("debian");
  private TreeFiles files;
  private Path treeFile;

  @BeforeEach
  void addVersion() throws Exception {
    trees.file("/etc/passwd", "root");
    for (int i = 0; i < 30_000; i++) {
      trees.symlink("/links/" + i, "target-of-some-length-" + i);
    }
    TreeIndex built = trees.build(Files.createDirectory(temp.resolve("source")));
    treeFile = built.file();
    appliance.add(built);
    assertTrue(appliance.tree(1).length > 2 << 20, "the tree is to take several chunks");
    files = new TreeFiles(appliance, directory());
  }

  private Path directory() {
    return temp.resolve("trees");
  }

  private Path only(String end) throws IOException {
    try (Stream<Path> all = Files.list(directory())) {
      return all.filter(file -> file.toString().endsWith(end)).findFirst().orElseThrow();
    }
  }

  private static void assertWhole(RepositoryTree tree) {
    int etc = tree.lookup(0, Name.of("etc"));
    assertTrue(tree.lookup(etc, Name.of("passwd")) != RepositoryTree.NONE);
  }

  @Test
  void downloadsOnceAndThenAsksNobody() throws Exception {
    TreeIndex tree = files.open("debian", 1);
    assertArrayEquals(appliance.tree(1), Files.readAllBytes(tree.file()));
    int calls = appliance.calls.size();
    int requests = appliance.requests.size();
    assertWhole(new TreeFiles(appliance, directory()).open("debian", 1));
    assertEquals(calls, appliance.calls.size());
    assertEquals(requests, appliance.requests.size());
  }

  @Test
  void brokenDownloadGoesOnWhereItStopped() throws Exception {
    appliance.failFrom = 1;
    assertThrows(ApplianceException.class, () -> files.open("debian", 1));
    assertEquals(1 << 20, Files.size(only(".part")));
    appliance.failFrom = -1;
    appliance.requests.clear();
    assertWhole(files.open("debian", 1));
    assertEquals(1 << 20, ((Message.GetTree) appliance.requests.get(0)).offsetBytes());
  }

  @Test
  void damagedPagesAreFetchedAgainWhenTheyAreRead() throws Exception {
    Path file = files.open("debian", 1).file();
    byte[] whole = Files.readAllBytes(file);
    byte[] damaged = whole.clone();
    int pages = 0;
    // Page after page; the header and the hashes at the end are looked at when the file is opened.
    for (int at = 4096 + 17; at < whole.length * 9 / 10; at += 70_001) {
      damaged[at] ^= 4;
      pages++;
    }
    Files.write(file, damaged);
    appliance.requests.clear();
    TreeIndex tree = new TreeFiles(appliance, directory()).open("debian", 1);
    tree.verifyAll();
    assertWhole(tree);
    assertEquals(pages, appliance.requests.size());
    assertArrayEquals(whole, Files.readAllBytes(file));
  }

  @Test
  void aDamagedPageIsAnErrorWhileTheApplianceIsAway() throws Exception {
    Path file = files.open("debian", 1).file();
    byte[] damaged = Files.readAllBytes(file);
    damaged[damaged.length / 2] ^= 4;
    Files.write(file, damaged);
    TreeIndex tree = new TreeFiles(appliance, directory()).open("debian", 1);
    appliance.failFrom = 0;
    CorruptTreeException e = assertThrows(CorruptTreeException.class, tree::verifyAll);
    assertTrue(e.getMessage().contains("damaged at offset"), e.getMessage());
    appliance.failFrom = -1;
    tree.verifyAll();
  }

  @Test
  void damagedDownloadIsNotUsedAndNotKept() throws Exception {
    appliance.failFrom = 1;
    assertThrows(ApplianceException.class, () -> files.open("debian", 1));
    appliance.failFrom = -1;
    Path part = only(".part");
    byte[] bytes = Files.readAllBytes(part);
    bytes[bytes.length / 2] ^= 1;
    Files.write(part, bytes);
    assertThrows(IOException.class, () -> files.open("debian", 1));
    assertWhole(files.open("debian", 1));
  }

  @Test
  void damagedFileIsFetchedAnew() throws Exception {
    Path file = files.open("debian", 1).file();
    byte[] bytes = Files.readAllBytes(file);
    Files.delete(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
    assertWhole(files.open("debian", 1));
    assertArrayEquals(bytes, Files.readAllBytes(file));
  }

  @Test
  void whileAnotherProcessDownloadsThisOneWaitsForItsFile() throws Exception {
    try (TreeFilesProcess other = new TreeFilesProcess(treeFile, directory())) {
      other.awaitDownloading();
      FutureTask<TreeIndex> here = openWhileLocked();
      assertFalse(here.isDone());
      assertEquals(0, other.goOn());
      assertWhole(here.get(1, TimeUnit.MINUTES));
      assertEquals(List.of(), appliance.requests, "nothing is downloaded twice");
    }
  }

  @Test
  void whatAProcessThatDiedHadBegunIsGoneOnWith() throws Exception {
    try (TreeFilesProcess other = new TreeFilesProcess(treeFile, directory())) {
      other.awaitDownloading();
      FutureTask<TreeIndex> here = openWhileLocked();
      assertEquals(List.of(), appliance.requests);
      other.kill();
      assertWhole(here.get(1, TimeUnit.MINUTES));
      assertArrayEquals(appliance.tree(1), Files.readAllBytes(only(".tree")));
    }
  }

  /** Opens the tree in a thread, and returns when that waits for the lock, or does not. */
  private FutureTask<TreeIndex> openWhileLocked() throws Exception {
    FutureTask<TreeIndex> here = new FutureTask<>(() -> files.open("debian", 1));
    Thread thread = new Thread(here, "open");
    thread.start();
    while (!here.isDone() && appliance.requests.isEmpty() && !waitsForLock(thread)) {
      Thread.sleep(5);
    }
    return here;
  }

  private static boolean waitsForLock(Thread thread) {
    return Arrays.stream(thread.getStackTrace())
        .anyMatch(
            frame ->
                frame.getMethodName().startsWith("lock")
                    && frame.getClassName().endsWith("FileDispatcherImpl"));
  }

  @Test
  void unknownVersionIsRefused() {
    assertThrows(ApplianceException.class, () -> files.open("debian", 9));
  }

  @Test
  void keepsTheMostRecentlyOpened() throws Exception {
    Path source = temp.resolve("source");
    TestTrees small = TestTrees.of("small");
    FakeAppliance other = new FakeAppliance();
    TreeFiles otherFiles = new TreeFiles(other, directory());
    for (int version = 1; version <= 12; version++) {
      small.file("/version", "version " + version);
      other.add(small.build(source));
    }
    TreeIndex first = otherFiles.open("small", 1);
    for (int version = 2; version <= 12; version++) {
      otherFiles.open("small", version);
    }
    try (Stream<Path> kept = Files.list(directory())) {
      List<String> names =
          kept.map(file -> file.getFileName().toString())
              .filter(name -> name.endsWith(".tree"))
              .toList();
      assertEquals(8, names.size(), names.toString());
      assertTrue(names.stream().anyMatch(name -> name.contains("@12-")), names.toString());
    }
    // An index that is open outlives its name.
    assertTrue(first.lookup(0, Name.of("version")) != RepositoryTree.NONE);
  }
}
