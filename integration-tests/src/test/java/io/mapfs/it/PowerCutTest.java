package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The power of the appliance's disk, of the node's, or of both at once is cut under load: what an
 * fsync has acknowledged is there when the machine comes up. {@code kill -9} proves nothing of
 * that, since the kernel keeps what was written; hence {@link PowerCutDisk}. {@code
 * -Dmapfs.powercut.rounds=N} cuts more often, {@code -Dmapfs.powercut.seed=S} otherwise.
 */
final class PowerCutTest {
  private static final int ROUNDS = Integer.getInteger("mapfs.powercut.rounds", 1);
  private static final long SEED = Long.getLong("mapfs.powercut.seed", 1);
  private static final int WRITERS = 3;
  private static final int SLOTS = 16;
  private static final int FSYNCS_MIN = 300;
  private static final long END_SECONDS = 120;

  private Sandbox user;
  private final List<PowerCutDisk> disks = new ArrayList<>();

  /** What was acknowledged: the last value of each place; kept where no power is cut. */
  private final Map<String, Long> acknowledged = new ConcurrentHashMap<>();

  private final AtomicLong fsyncs = new AtomicLong();
  private volatile boolean stopping;

  @BeforeEach
  void begin() throws Exception {
    Requirements.mounts();
    user = new Sandbox();
  }

  @AfterEach
  void close() throws Exception {
    try {
      for (PowerCutDisk disk : disks) {
        disk.close();
      }
    } finally {
      if (user != null) {
        user.close();
      }
    }
  }

  /** A directory of the sandbox becomes a disk. */
  private PowerCutDisk disk(String directory) throws Exception {
    PowerCutDisk disk = new PowerCutDisk(user.newDirectory(directory), SEED + disks.size());
    disks.add(disk);
    return disk;
  }

  private void prepare() throws Exception {
    user.withAppliance();
    user.importSmallTree();
    user.run("node", "add", "web01", "--master", "debian").ok();
  }

  private ProcessHandle mount(Path root, String... options) throws Exception {
    return Sandbox.daemon(user.mountAt(root, "web01", options));
  }

  // ---- the program that writes and remembers ----

  /** Writes numbers to places of a file and new files, fsyncs each, and notes what is promised. */
  private void write(Path root, int writer, int round) {
    Path file = root.resolve("tmp/writer-" + writer);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (long value = 1_000_000L * round + 1; !stopping; value++) {
        long slot = value % SLOTS;
        channel.write(number(value), slot * 8192);
        channel.force(false);
        acknowledged.put("writer-" + writer + " " + slot, value);
        fsyncs.incrementAndGet();
        if (value % 7 == 0) {
          String name = "new-" + writer + "-" + value;
          Path part = root.resolve("tmp/" + name + ".part");
          try (FileChannel made =
              FileChannel.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            made.write(number(value), 0);
            Files.move(part, root.resolve("tmp/" + name));
            made.force(true);
          }
          acknowledged.put(name + " 0", value);
          fsyncs.incrementAndGet();
        }
      }
    } catch (IOException e) {
      // The machine is gone, or the appliance: nothing more is promised.
      assertTrue(e.getMessage() != null, e::toString);
    }
  }

  private static ByteBuffer number(long value) {
    return ByteBuffer.allocate(8).putLong(value).flip();
  }

  private List<Thread> startWriters(Path root, int round) {
    stopping = false;
    List<Thread> writers = new ArrayList<>();
    for (int i = 0; i < WRITERS; i++) {
      int writer = i;
      Thread thread = new Thread(() -> write(root, writer, round), "writer-" + i);
      thread.start();
      writers.add(thread);
    }
    return writers;
  }

  private void awaitAcknowledged() throws InterruptedException {
    long enough = fsyncs.get() + FSYNCS_MIN;
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(END_SECONDS);
    while (fsyncs.get() < enough) {
      assertTrue(System.nanoTime() < deadline, "only " + fsyncs + " fsyncs have returned");
      Thread.sleep(1);
    }
  }

  /** Kills a daemon and detaches its mount; ends the writers. */
  private void kill(ProcessHandle daemon, Path root, List<Thread> writers) throws Exception {
    stopping = true;
    daemon.destroyForcibly();
    daemon.onExit().get(END_SECONDS, TimeUnit.SECONDS);
    Sandbox.shell("umount -l \"$1\"", root);
    for (Thread writer : writers) {
      writer.join(TimeUnit.SECONDS.toMillis(END_SECONDS));
      assertTrue(!writer.isAlive(), "a writer hangs");
    }
  }

  /** Places whose number is older than what was promised; what came later may be there or not. */
  private List<String> missing(Path root) throws IOException {
    List<String> missing = new ArrayList<>();
    for (Map.Entry<String, Long> place : acknowledged.entrySet()) {
      String[] words = place.getKey().split(" ");
      Path file = root.resolve("tmp/" + words[0]);
      ByteBuffer found = ByteBuffer.allocate(8);
      if (Files.exists(file)) {
        try (FileChannel channel = FileChannel.open(file)) {
          channel.read(found, Long.parseLong(words[1]) * 8192);
        }
      }
      if (found.getLong(0) < place.getValue()) {
        missing.add(place.getKey() + ": " + found.getLong(0) + " < " + place.getValue());
      }
    }
    return missing;
  }

  // ---- the appliance's disk ----

  /** One round; the overlay is then fetched by a machine that has nothing of it. */
  private List<String> cutTheAppliance(PowerCutDisk disk, int round) throws Exception {
    Path root = user.newDirectory("mnt" + round);
    String[] fresh = {
      "--state", user.newDirectory("state" + round).toString(),
      "--cache", user.newDirectory("cache" + round).toString()
    };
    ProcessHandle daemon = mount(root, fresh);
    List<Thread> writers = startWriters(root, round);
    awaitAcknowledged();
    disk.cut();
    user.killAppliance();
    kill(daemon, root, writers);
    disk.powerOn();
    user.serve();
    Path again = user.newDirectory("again" + round);
    daemon =
        mount(
            again,
            "--state",
            user.newDirectory("other" + round).toString(),
            "--cache",
            user.newDirectory("cache" + round).toString());
    List<String> missing = missing(again);
    user.umount(again).ok();
    return missing;
  }

  @Test
  void whatIsAcknowledgedSurvivesAPowerCutOfTheAppliance() throws Exception {
    PowerCutDisk disk = disk("store");
    prepare();
    for (int round = 1; round <= ROUNDS; round++) {
      assertEquals(List.of(), cutTheAppliance(disk, round), "round " + round + " of seed " + SEED);
    }
    System.err.printf(
        "power cuts of the appliance: %d, fsyncs acknowledged: %d, missing: 0%n",
        ROUNDS, fsyncs.get());
  }

  /** Shows that the check above sees a disk, or a store, that leaves an fsync out. */
  @ParameterizedTest
  @EnumSource(Platter.Lie.class)
  void aLyingDiskIsNoticed(Platter.Lie lie) throws Exception {
    PowerCutDisk disk = disk("store");
    prepare();
    disk.platter().lie(lie);
    String found;
    try {
      found = String.join(", ", cutTheAppliance(disk, 1));
    } catch (AssertionError e) {
      // The store cannot even be opened.
      found = e.getMessage();
    }
    assertNotEquals("", found);
    System.err.println(lie + " is noticed: " + found.substring(0, Math.min(200, found.length())));
  }

  // ---- the node's disk ----

  @Test
  void whatIsAcknowledgedLocallySurvivesAPowerCutOfTheNode() throws Exception {
    PowerCutDisk disk = disk("state");
    prepare();
    for (int round = 1; round <= ROUNDS; round++) {
      Path root = user.newDirectory("mnt" + round);
      ProcessHandle daemon = mount(root, "--durability", "local");
      // Nothing reaches the appliance: what is acknowledged is on the node's disk alone.
      user.stopAppliance();
      List<Thread> writers = startWriters(root, round);
      awaitAcknowledged();
      disk.cut();
      kill(daemon, root, writers);
      bootNode(disk);
      user.serve();
      Path again = user.newDirectory("again" + round);
      mount(again, "--durability", "local");
      assertEquals(List.of(), missing(again), "round " + round + " of seed " + SEED);
      user.umount(again).ok();
    }
    System.err.printf(
        "power cuts of the node: %d, fsyncs acknowledged: %d, missing: 0%n", ROUNDS, fsyncs.get());
  }

  /** The machine comes up, and knows that it was down. */
  private static void bootNode(PowerCutDisk state) throws Exception {
    String bootId = Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip();
    state.powerOn();
    state.platter().replaceLine(bootId, "another boot");
  }

  // ---- both disks at once ----

  /**
   * One round: a power line that feeds both. Looks on the machine itself, which hands over what it
   * has, and then on one that has nothing of it.
   */
  private List<String> cutBoth(
      PowerCutDisk store, PowerCutDisk state, String durability, int round, Runnable whenMounted)
      throws Exception {
    Path root = user.newDirectory("mnt" + round);
    ProcessHandle daemon = mount(root, "--durability", durability);
    whenMounted.run();
    List<Thread> writers = startWriters(root, round);
    awaitAcknowledged();
    Platter.cut(store.platter(), state.platter());
    user.killAppliance();
    kill(daemon, root, writers);
    store.powerOn();
    bootNode(state);
    user.serve();
    Path again = user.newDirectory("again" + round);
    mount(again, "--durability", durability);
    List<String> missing = missing(again);
    user.umount(again).ok();
    Path elsewhere = user.newDirectory("elsewhere" + round);
    mount(elsewhere, "--state", user.newDirectory("other" + round).toString());
    missing.addAll(missing(elsewhere));
    user.umount(elsewhere).ok();
    return missing;
  }

  @ParameterizedTest
  @ValueSource(strings = {"strict", "local"})
  void whatIsAcknowledgedSurvivesAPowerCutOfBoth(String durability) throws Exception {
    PowerCutDisk store = disk("store");
    PowerCutDisk state = disk("state");
    prepare();
    for (int round = 1; round <= ROUNDS; round++) {
      assertEquals(
          List.of(),
          cutBoth(store, state, durability, round, () -> {}),
          "round " + round + " of seed " + SEED);
    }
    System.err.printf(
        "power cuts of both, %s: %d, fsyncs acknowledged: %d, missing: 0%n",
        durability, ROUNDS, fsyncs.get());
  }

  /** Each promise stands on one of the disks: if that one lies it is noticed. */
  @ParameterizedTest
  @CsvSource({"strict, store", "local, state"})
  void aLyingDiskIsNoticedWhenBothLosePower(String durability, String liar) throws Exception {
    PowerCutDisk store = disk("store");
    PowerCutDisk state = disk("state");
    prepare();
    if (liar.equals("store")) {
      store.platter().lie(Platter.Lie.FILE_SYNC);
    }
    String found;
    try {
      found =
          String.join(
              ", ",
              cutBoth(
                  store,
                  state,
                  durability,
                  1,
                  () -> {
                    if (liar.equals("state")) {
                      // Only now: the local copy is to open, and lack something.
                      state.platter().lie(Platter.Lie.FILE_SYNC);
                    }
                  }));
    } catch (AssertionError e) {
      // The store or the local copy cannot even be opened.
      found = e.getMessage();
    }
    assertNotEquals("", found);
    System.err.println(
        "a lying disk of the "
            + liar
            + " is noticed: "
            + found.substring(0, Math.min(300, found.length())));
  }
}
