package io.mapfs.core.overlay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.mapfs.core.fs.AttributeChange;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TestTrees;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Several threads at once, with batches cut every few milliseconds and caches that hold next to
 * nothing. What they leave must be the same before a remount, after it, and from the head alone.
 */
final class ConcurrentOperationsTest {
  private static final int THREADS = 4;
  private static final int ROUNDS = 250;
  private static final TestContext ROOT = TestContext.root();
  private static final long NONE = FileSystemOperations.NO_HANDLE;

  @TempDir Path temp;

  @Test
  void whatThreadsLeaveIsWhatIsStored() throws Exception {
    byte[] big = new byte[400_000];
    new Random(3).nextBytes(big);
    TestTrees trees =
        TestTrees.of("debian").file("/shared", big).file("/dir/one", "1").file("/dir/two", "2");
    RepositoryTree base = trees.build(temp);
    OverlayFixture fixture = new OverlayFixture(temp.resolve("state"), base, trees.blockReader());
    fixture.config = fixture.config.withSealIntervalMillis(4).withCachedInodesMax(2);
    fixture.mount();
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Future<?>> running = new ArrayList<>();
      for (int thread = 0; thread < THREADS; thread++) {
        int number = thread;
        running.add(
            threads.submit(
                () -> {
                  work(fixture.fs, number);
                  return null;
                }));
      }
      for (Future<?> each : running) {
        each.get();
      }
      Map<String, String> live = dump(fixture.fs);
      assertEquals(expectedShared(big), live.get("/shared content"));
      fixture.unmount();
      fixture.mount();
      assertEquals(live, dump(fixture.fs));
      assertNull(fixture.fs.metrics().failure());
      fixture.crash();
      OverlayState state = OverlayState.open(temp.resolve("fetched"));
      state.load(
          fixture.appliance.headRows(50),
          fixture.appliance.position(OverlayFixture.NODE, 99, base));
      state.beginMount(100, 0, 0);
      try (OverlayFileSystem fetched =
          OverlayFileSystem.mount(
              fixture.config,
              state,
              fixture.versions(),
              fixture.appliance,
              ReadListener.NONE,
              fixture.appliance,
              fixture.clock)) {
        assertEquals(live, dump(fetched));
      }
    } finally {
      threads.shutdown();
      fixture.close();
    }
  }

  /**
   * Each thread has a directory of its own, a stripe of a shared file, and names in a shared one.
   */
  private static void work(OverlayFileSystem fs, int thread) throws FsException {
    Random random = new Random(thread);
    long shared = lookup(fs, NodeId.ROOT, "shared");
    long dir = lookup(fs, NodeId.ROOT, "dir");
    long own = fs.mkdir(ROOT, NodeId.ROOT, Name.of("own" + thread), 0755).node();
    for (int round = 0; round < ROUNDS; round++) {
      Name name = Name.of("f" + random.nextInt(6));
      Attributes at = fs.lookup(ROOT, own, name);
      if (at == null) {
        Opened made = fs.create(ROOT, own, name, 0644, 2);
        at = made.attributes();
        fs.release(ROOT, at.node(), made.handle());
      }
      byte[] bytes = new byte[1 + random.nextInt(20_000)];
      Arrays.fill(bytes, (byte) round);
      fs.write(ROOT, at.node(), NONE, random.nextInt(50_000), ByteBuffer.wrap(bytes), false);
      byte[] stripe = new byte[500];
      Arrays.fill(stripe, (byte) (thread + 1));
      // Neighbouring stripes share pages, so that writers meet at the edges.
      fs.write(
          ROOT,
          shared,
          NONE,
          (long) (round * THREADS + thread) * stripe.length % 390_000,
          ByteBuffer.wrap(stripe),
          false);
      switch (random.nextInt(6)) {
        case 0 -> fs.unlink(ROOT, own, name);
        case 1 -> fs.rename(ROOT, own, name, dir, Name.of("t" + thread + "-" + name), 0);
        case 2 ->
            fs.setattr(
                ROOT,
                at.node(),
                new AttributeChange(
                    null,
                    null,
                    null,
                    (long) random.nextInt(40_000),
                    null,
                    null,
                    null,
                    false,
                    NONE));
        case 3 -> fs.fsync(ROOT, at.node(), NONE, false);
        case 4 -> fs.readdir(ROOT, dir, NONE, 0, false, (n, i, t, c, a) -> true);
        default -> fs.read(ROOT, at.node(), NONE, 0, ByteBuffer.allocate(60_000));
      }
      fs.forget(at.node(), 1);
    }
  }

  private static String expectedShared(byte[] big) {
    byte[] expected = big.clone();
    for (int stripe = 0; stripe < ROUNDS * THREADS; stripe++) {
      int at = (int) ((long) stripe * 500 % 390_000);
      // Stripes wrap onto the same places in the same thread order: 390,000 / 500 = 780 = 195 * 4.
      Arrays.fill(expected, at, at + 500, (byte) (stripe % THREADS + 1));
    }
    return Arrays.hashCode(expected) + "";
  }

  private static Map<String, String> dump(OverlayFileSystem fs) throws FsException {
    Map<String, String> dump = new TreeMap<>();
    dump(fs, NodeId.ROOT, "", dump);
    return dump;
  }

  private static void dump(OverlayFileSystem fs, long node, String path, Map<String, String> dump)
      throws FsException {
    Attributes at = fs.getattr(ROOT, node);
    dump.put(
        path,
        at.type() + " " + at.ino() + " " + at.nlink() + " " + at.sizeBytes() + " " + at.mtime());
    if (at.type() == FileType.REGULAR) {
      ByteBuffer content = ByteBuffer.allocate((int) at.sizeBytes());
      fs.read(ROOT, node, NONE, 0, content);
      dump.put(path + " content", Arrays.hashCode(content.array()) + "");
      return;
    }
    List<String> names = new ArrayList<>();
    fs.readdir(
        ROOT, node, NONE, 2, false, (name, i, t, c, a) -> names.add(new String(name, UTF_8)));
    for (String name : names) {
      long child = lookup(fs, node, name);
      dump(fs, child, path + "/" + name, dump);
      fs.forget(child, 1);
    }
  }

  private static long lookup(OverlayFileSystem fs, long parent, String name) throws FsException {
    return fs.lookup(ROOT, parent, Name.of(name)).node();
  }
}
