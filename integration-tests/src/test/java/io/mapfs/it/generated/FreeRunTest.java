package io.mapfs.it.generated;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fingerprint.TreeFingerprint;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.DirectoryReader;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import io.mapfs.it.Requirements;
import io.mapfs.it.Sandbox;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Four processes ({@link FreeWorker}) work on the same names at once. Whatever the order was: the
 * errnos are possible ones, link counts, listings and contents fit together in the end, and the
 * tree is the same after a remount and on another machine. {@code -Dmapfs.processes.free=N} steps a
 * process; {@code -Dmapfs.processes.seed=S} other ones.
 */
final class FreeRunTest {
  private static final int STEPS = Integer.getInteger("mapfs.processes.free", 4_000);
  private static final long SEED = Long.getLong("mapfs.processes.seed", 1);
  private static final String NODE = "web01";

  private Sandbox user;
  private Path root;

  @BeforeEach
  void mount() throws Exception {
    Requirements.mounts();
    user = new Sandbox().withAppliance();
    Path lower = user.newDirectory("lower");
    Files.createDirectories(lower.resolve("files/a/b"));
    Files.createDirectories(lower.resolve("files/c"));
    Files.createDirectory(lower.resolve("stay"));
    for (int i = 0; i < FreeWorker.STAYING; i++) {
      Files.createFile(lower.resolve("stay/stay" + i));
    }
    Files.createFile(lower.resolve("log"));
    Files.write(lower.resolve("mapped"), new byte[FreeWorker.MAPPED_BYTES]);
    for (String file : new String[] {"files/d", "files/e", "files/a/f", "files/c/g"}) {
      ByteArrayOutputStream content = new ByteArrayOutputStream();
      for (int slot = 0; slot < 50; slot++) {
        content.write(Slots.content(slot, 0));
      }
      Files.write(lower.resolve(file), content.toByteArray());
    }
    Files.createLink(lower.resolve("files/h"), lower.resolve("files/d"));
    user.run("repo", "import", "lower", lower.toString()).ok();
    user.run("node", "add", NODE, "--master", "lower").ok();
    root = user.mount(NODE, "--front-end", "direct");
  }

  @AfterEach
  void close() throws Exception {
    if (user != null) {
      user.close();
    }
  }

  @Test
  @Timeout(value = 12, unit = TimeUnit.HOURS)
  void whatManyProcessesLeaveFitsTogetherAndStays() throws Exception {
    List<WorkerProcess> workers = new ArrayList<>();
    try {
      for (int process = 0; process < Worker.COUNT; process++) {
        workers.add(
            WorkerProcess.start(
                FreeWorker.class,
                root.toString(),
                Integer.toString(process),
                Long.toString(SEED),
                Integer.toString(STEPS)));
      }
      for (WorkerProcess worker : workers) {
        assertEquals("ready", worker.answer());
      }
      for (WorkerProcess worker : workers) {
        worker.send("go");
      }
      for (WorkerProcess worker : workers) {
        assertEquals("done", worker.answer());
      }
    } finally {
      for (WorkerProcess worker : workers) {
        worker.close();
      }
    }
    checkLog();
    checkMap();
    Map<Long, FileStatus> statuses = new HashMap<>();
    Map<Long, Integer> names = new HashMap<>();
    checkDirectory(root.resolve("files"), statuses, names);
    names.forEach((ino, count) -> assertEquals(count, statuses.get(ino).nlink(), "st_nlink"));

    List<String> left = lines();
    user.umount(root).ok();
    user.mount(NODE, "--front-end", "direct");
    assertEquals(left, lines(), "after a remount");
    user.umount(root).ok();
    user.mount(
        NODE,
        "--state",
        user.newDirectory("state2").toString(),
        "--cache",
        user.newDirectory("cache2").toString());
    assertEquals(left, lines(), "on another machine");
    user.umount(root).ok();
  }

  private void checkLog() throws Exception {
    int[] next = new int[Worker.COUNT];
    for (String line : Files.readAllLines(root.resolve("log"))) {
      String[] words = line.split(" ");
      int process = Integer.parseInt(words[0]);
      assertEquals(next[process]++, Integer.parseInt(words[1]), line);
    }
    int[] all = new int[Worker.COUNT];
    Arrays.fill(all, STEPS / FreeWorker.LINES_OF_STEPS);
    assertEquals(Arrays.toString(all), Arrays.toString(next));
  }

  private void checkMap() throws Exception {
    ByteBuffer map =
        ByteBuffer.wrap(Files.readAllBytes(root.resolve("mapped"))).order(ByteOrder.nativeOrder());
    for (int process = 0; process < Worker.COUNT; process++) {
      assertEquals(STEPS, map.getLong(process * Long.BYTES), "stored by process " + process);
    }
  }

  /** Listings against lookups, link counts of directories, contents of files. */
  private void checkDirectory(
      Path directory, Map<Long, FileStatus> statuses, Map<Long, Integer> names) throws Exception {
    int subdirectories = 0;
    try (Descriptor open = Posix.open(directory.toString(), OpenFlags.O_DIRECTORY, 0)) {
      DirectoryReader reader = new DirectoryReader(open.number());
      while (reader.next()) {
        Path path = directory.resolve(reader.name().toString());
        FileStatus status = status(path);
        assertEquals(status.type(), reader.type(), () -> "d_type of " + path);
        assertEquals(status.ino(), reader.ino(), () -> "d_ino of " + path);
        if (status.type() == FileType.DIRECTORY) {
          subdirectories++;
          checkDirectory(path, statuses, names);
        } else {
          statuses.put(status.ino(), status);
          names.merge(status.ino(), 1, Integer::sum);
          checkSlots(path);
        }
      }
    }
    assertEquals(2 + subdirectories, status(directory).nlink(), () -> "st_nlink of " + directory);
  }

  private static FileStatus status(Path path) throws FsException {
    return Posix.status(Posix.AT_FDCWD, Posix.bytes(path.toString()));
  }

  private static void checkSlots(Path file) throws Exception {
    byte[] bytes = Files.readAllBytes(file);
    assertEquals(0, bytes.length % Slots.BYTES, () -> "length of " + file);
    for (int slot = 0; slot < bytes.length / Slots.BYTES; slot++) {
      int at = slot * Slots.BYTES;
      int number = slot;
      assertTrue(
          Slots.isValid(slot, Arrays.copyOfRange(bytes, at, at + Slots.BYTES)),
          () -> "slot " + number + " of " + file);
    }
  }

  /** The tree with inode numbers and times. */
  private List<String> lines() throws Exception {
    List<String> lines = new ArrayList<>();
    TreeFingerprint.of(root, true, 1, line -> lines.add(line.toString()));
    return lines;
  }
}
