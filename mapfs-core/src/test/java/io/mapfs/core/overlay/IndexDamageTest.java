package io.mapfs.core.overlay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.fs.OperationDriver;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.tree.TestTrees;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A damaged index costs a fetch of the head, never the mount, and never the unsent tail. */
final class IndexDamageTest {
  private static final TestContext ROOT = TestContext.root();
  private static final long NONE = FileSystemOperations.NO_HANDLE;
  private static final int DAMAGES = Integer.getInteger("mapfs.damages", 30);

  @TempDir Path temp;

  @Test
  void whateverIsDamagedTheMountSucceedsWithTheTail() throws Exception {
    TestTrees trees = TestTrees.of("debian").file("/text", "the version's text");
    OverlayFixture fixture =
        new OverlayFixture(temp.resolve("state"), trees.build(temp), trees.blockReader());
    fixture.mount();
    Random random = new Random(5);
    int setAside = 0;
    for (int round = 0; round < DAMAGES; round++) {
      // Some of it is in tables on disk, some in the journal alone, and some is unsent.
      write(fixture, "shared" + round % 5, round);
      fixture.unmount();
      fixture.mount();
      write(fixture, "sent", round);
      fixture.fs.barrier(ROOT);
      fixture.appliance.failNext(1_000_000);
      write(fixture, "unsent" + round % 3, round);
      fixture.fs.sealNow();
      SortedMap<String, String> before = OperationDriver.text(fixture.fs);
      fixture.crash();
      fixture.appliance.failNext(0);

      String damage = damage(fixture.directory.resolve("index"), random);
      try {
        fixture.mount();
        assertEquals(before, OperationDriver.text(fixture.fs));
        fixture.fs.barrier(ROOT);
      } catch (AssertionError | Exception e) {
        throw new AssertionError("round " + round + ", " + damage + ": " + e.getMessage(), e);
      }
      Path aside = fixture.directory.resolve("index.damaged");
      if (Files.exists(aside)) {
        setAside++;
        delete(aside);
      }
    }
    assertTrue(
        setAside > DAMAGES / 4, setAside + " damages were noticed when the index was opened");
    fixture.close();
  }

  private static void write(OverlayFixture fixture, String name, int round) throws Exception {
    Opened made = fixture.fs.create(ROOT, NodeId.ROOT, Name.of(name), 0644, 2);
    long node = made.attributes().node();
    byte[] bytes = ("round " + round + " ").repeat(2_000).getBytes(UTF_8);
    fixture.fs.write(ROOT, node, NONE, 0, ByteBuffer.wrap(bytes), false);
    fixture.fs.release(ROOT, node, made.handle());
    fixture.fs.forget(node, 1);
  }

  /** Flips a bit of a file, cuts it, or removes it; files of messages and locks are left alone. */
  private static String damage(Path index, Random random) throws IOException {
    List<Path> files;
    try (Stream<Path> found = Files.list(index)) {
      files =
          found
              .filter(file -> file.getFileName().toString().matches("CURRENT|MANIFEST.*|.*\\.sst"))
              .sorted()
              .toList();
    }
    Path file = files.get(random.nextInt(files.size()));
    byte[] bytes = Files.readAllBytes(file);
    switch (random.nextInt(4)) {
      case 0 -> {
        Files.delete(file);
        return file.getFileName() + " removed";
      }
      case 1 -> {
        int length = random.nextInt(bytes.length);
        Files.write(file, Arrays.copyOf(bytes, length));
        return file.getFileName() + " cut to " + length + " of " + bytes.length;
      }
      default -> {
        int bit = random.nextInt(8 * bytes.length);
        bytes[bit / 8] ^= (byte) (1 << (bit % 8));
        Files.write(file, bytes);
        return file.getFileName() + " with bit " + bit + " flipped";
      }
    }
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
