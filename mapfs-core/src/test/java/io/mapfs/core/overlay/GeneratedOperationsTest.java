package io.mapfs.core.overlay;

import static org.junit.jupiter.api.Assertions.fail;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.ManualClock;
import io.mapfs.core.fs.OperationDriver;
import io.mapfs.core.fs.ReferenceFileSystem;
import io.mapfs.core.fs.Shrinking;
import io.mapfs.core.fs.Step;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TestTrees;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Generated operations, remounts and crashes, compared with the reference filesystem. A failure is
 * shrunk and printed with its seed; {@code -Dmapfs.seeds=N} runs more seeds, {@code -Dmapfs.seed=S}
 * one.
 */
final class GeneratedOperationsTest {
  private static final int STEPS = 400;
  private static final int SHRINK_RUNS_MAX = 120;

  @TempDir Path temp;
  private int runs;

  @Test
  void theOverlayIsWhatTheReferenceIs() throws Exception {
    Long only = Long.getLong("mapfs.seed");
    int seeds = Integer.getInteger("mapfs.seeds", 6);
    for (long seed = only == null ? 1 : only; only == null ? seed <= seeds : seed == only; seed++) {
      List<Step> steps = Step.sequence(seed, STEPS);
      Throwable failure = run(steps);
      if (failure != null) {
        List<Step> small =
            Shrinking.shrink(steps, SHRINK_RUNS_MAX, candidate -> run(candidate) != null);
        Throwable smallFailure = run(small);
        fail(
            "seed " + seed + ", shrunk to " + small.size() + " steps: " + small,
            smallFailure == null ? failure : smallFailure);
      }
    }
  }

  /** A step that has happened, and when. */
  private record Past(Step step, FileTime time) {}

  private Throwable run(List<Step> steps) throws Exception {
    Path directory = temp.resolve("run" + runs++);
    Files.createDirectories(directory);
    TestTrees trees = trees();
    RepositoryTree base = trees.build(directory);
    OverlayFixture fixture =
        new OverlayFixture(directory.resolve("state"), base, trees.blockReader());
    // Small enough for the page log to be compacted on the way.
    fixture.pageSegmentSlots = 8;
    List<Past> history = new ArrayList<>();
    int durable = 0;
    int at = 0;
    try {
      fixture.mount();
      OperationDriver driver =
          new OperationDriver(
              ReferenceFileSystem.of(base, trees.blockReader(), fixture.clock), fixture.fs);
      for (Step step : steps) {
        at++;
        fixture.clock.advanceNanos(1_000_003);
        switch (step.kind()) {
          case CUT -> {
            fixture.fs.sealNow();
            durable = history.size();
          }
          case REMOUNT, FETCH_HEAD -> {
            driver.reset();
            history.add(new Past(reset(), fixture.clock.now()));
            fixture.unmount();
            if (step.kind() == Step.Kind.FETCH_HEAD) {
              delete(directory.resolve("state"));
            }
            fixture.mount();
            driver.remounted(fixture.fs);
            driver.compareTrees();
            durable = history.size();
          }
          case CRASH -> {
            fixture.appliance.hold();
            fixture.crash();
            fixture.appliance.letGo();
            fixture.mount();
            driver = replayed(history.subList(0, durable), base, trees, fixture);
            driver.compareTrees();
            history.subList(durable, history.size()).clear();
            history.add(new Past(reset(), fixture.clock.now()));
          }
          default -> {
            history.add(new Past(step, fixture.clock.now()));
            driver.run(step);
            if (step.kind() == Step.Kind.SYNC) {
              durable = history.size();
            }
          }
        }
      }
      driver.compareTrees();
      fixture.close();
      delete(directory);
      return null;
    } catch (AssertionError | FsException | IOException | RuntimeException e) {
      fixture.close();
      delete(directory);
      return new AssertionError("step " + at + ": " + steps.get(at - 1) + ": " + e.getMessage(), e);
    }
  }

  private static Step reset() {
    return new Step(Step.Kind.RESET, 0, 0, 0, 0);
  }

  /** The reference as it was when these steps had happened, beside the subject as it is now. */
  private static OperationDriver replayed(
      List<Past> history, RepositoryTree base, TestTrees trees, OverlayFixture fixture)
      throws FsException {
    FileTime now = fixture.clock.now();
    ManualClock clock = fixture.clock;
    ReferenceFileSystem reference = ReferenceFileSystem.of(base, trees.blockReader(), clock);
    OperationDriver driver = new OperationDriver(reference, null);
    for (Past past : history) {
      clock.set(past.time);
      driver.run(past.step);
    }
    driver.reset();
    clock.set(now);
    driver.remounted(fixture.fs);
    return driver;
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }

  static TestTrees trees() {
    byte[] big = new byte[300_001];
    new Random(1).nextBytes(big);
    ByteBuffer acl =
        ByteBuffer.allocate(4 + 8 * 5)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(2)
            .putLong(0xFFFFFFFF_0007_0001L)
            .putLong((1000L << 32) | 0x0006_0002L)
            .putLong(0xFFFFFFFF_0005_0004L)
            .putLong(0xFFFFFFFF_0007_0010L)
            .putLong(0xFFFFFFFF_0004_0020L);
    return TestTrees.of("debian")
        .file("/etc/passwd", "root:x:0:0\n")
        .file("/etc/a", "")
        .file("/usr/lib/big", big)
        .permissions("/usr/lib/big", 06755)
        .xattr("/usr/lib/big", "security.capability", new byte[] {1, 2})
        .hole("/usr/lib/b", 400_000)
        .link("/usr/hard", "/usr/lib/big")
        .symlink("/usr/c", "lib/big")
        .special("/d", FileType.CHARACTER_DEVICE, 0x103)
        .directory("/usr/lib/d/a/b", 0755)
        .file("/usr/lib/d/c", "deep")
        .directory("/acl", 02775)
        .owner("/acl", 1000, 1002)
        .xattr("/acl", "system.posix_acl_default", acl.array());
  }
}
