package io.mapfs.it.generated;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.mapfs.core.fs.Shrinking;
import io.mapfs.it.Requirements;
import io.mapfs.it.Sandbox;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Four processes with different rights do generated steps, each on a mount and on an ext4: results,
 * errnos and the trees that they leave must be the same. A failure is shrunk and told with its
 * seed; {@code -Dmapfs.processes.seeds=N} runs more seeds, {@code -Dmapfs.processes.seed=S} one,
 * {@code -Dmapfs.processes.steps=STEP,…} those steps.
 */
final class LockStepTest {
  private static final int SEEDS = Integer.getInteger("mapfs.processes.seeds", 2);
  private static final Long SEED = Long.getLong("mapfs.processes.seed");
  private static final String GIVEN = System.getProperty("mapfs.processes.steps");
  private static final int STEPS = 2_500;
  private static final int REMOUNTS = 2;
  private static final int SHRINK_RUNS_MAX = 150;
  private static final String NODE = "web01";

  private Sandbox user;
  private Path disk;
  private Path lower;
  private Path reference;

  @BeforeEach
  void makeTrees() throws Exception {
    Requirements.mounts();
    Requirements.require(Files.exists(Path.of("/dev/loop-control")), "there are no loop devices");
    user = new Sandbox();
    disk = user.newDisk("disk");
    lower = Files.createDirectory(disk.resolve("lower"));
    LockStepTrial.makeTrees(lower, SEEDS + SHRINK_RUNS_MAX + 1);
    reference = disk.resolve("reference");
    Sandbox.shell("cp -a \"$1\" \"$2\"", lower, reference);
  }

  @AfterEach
  void close() throws Exception {
    if (user != null) {
      user.close();
    }
  }

  @Test
  @Timeout(value = 12, unit = TimeUnit.HOURS)
  void aMountIsToItsProcessesWhatALocalDiskIs() throws Exception {
    user.withAppliance();
    user.run("repo", "import", "lower", lower.toString()).ok();
    user.run("node", "add", NODE, "--master", "lower").ok();
    Path root = user.mount(NODE, "--front-end", "direct");
    LockStepTrial.Remount remount =
        () -> {
          user.umount(root).ok();
          user.mount(NODE, "--front-end", "direct");
        };
    try (LockStepTrial trial = new LockStepTrial(root, reference, remount)) {
      if (GIVEN != null) {
        compare(
            trial, "as given", Arrays.stream(GIVEN.split(", ?")).map(ProcessStep::parse).toList());
        return;
      }
      long first = SEED == null ? 1 : SEED;
      for (long seed = first; seed < first + (SEED == null ? SEEDS : 1); seed++) {
        compare(trial, "seed " + seed, ProcessStep.sequence(seed, Worker.COUNT, STEPS, REMOUNTS));
      }
    }
  }

  private static void compare(LockStepTrial trial, String name, List<ProcessStep> steps)
      throws Exception {
    LockStepTrial.Difference difference = trial.run(steps);
    if (difference == null) {
      return;
    }
    List<ProcessStep> small = shrink(trial, steps.subList(0, difference.steps()));
    fail(
        String.format(
            "%s, after %d steps: %s%nshrunk to %d steps: %s%n%s",
            name, difference.steps(), difference.text(), small.size(), small, trial.run(small)));
  }

  /** That the generator would see a fault: it finds what kernel overlayfs does unlike a disk. */
  @Test
  void whatOverlayfsDoesOtherwiseIsFoundAndShrunk() throws Exception {
    Path merged = Files.createDirectory(disk.resolve("merged"));
    Sandbox.shell(
        "mkdir \"$2/upper\" \"$2/work\"; mount -t overlay overlay -o"
            + " \"lowerdir=$1,upperdir=$2/upper,workdir=$2/work\" \"$3\"",
        lower,
        disk,
        merged);
    try (LockStepTrial trial = new LockStepTrial(merged, reference, () -> {})) {
      List<ProcessStep> steps = ProcessStep.sequence(1, Worker.COUNT, 300, 1);
      LockStepTrial.Difference difference = trial.run(steps);
      assertNotNull(difference, "no difference was found");
      List<ProcessStep> small = shrink(trial, steps.subList(0, difference.steps()));
      assertTrue(small.size() <= 5, small::toString);
    }
  }

  private static List<ProcessStep> shrink(LockStepTrial trial, List<ProcessStep> steps)
      throws Exception {
    return Shrinking.shrink(steps, SHRINK_RUNS_MAX, part -> trial.run(part) != null);
  }
}
