package io.mapfs.core.overlay;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.fs.ManualClock;
import io.mapfs.core.fs.NodeId;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.fs.OperationDriver;
import io.mapfs.core.fs.ReferenceFileSystem;
import io.mapfs.core.fs.Step;
import io.mapfs.core.fs.TestContext;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.tree.TestTrees;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * kill -9 at any moment: a process runs an overlay ({@link CrashWorkload}), is killed, and what it
 * left is opened here and compared with the reference filesystem. The kernel lives on, so that the
 * index is replayed from the local journal and everything that was sealed is there.
 *
 * <p>Shown to fail, by patches that were then taken back (21 November 2026, seed 1, 4 to 6 rounds):
 *
 * <ul>
 *   <li>the index applied and flushed before the journal has the record: round 4, index and journal
 *       end at different records;
 *   <li>an fsync of durability LOCAL that does not wait for its record to be sealed: round 2, no
 *       state at or after the acknowledged step;
 *   <li>an fsync of durability STRICT that does not wait for the appliance: round 1, by the check
 *       of what another machine sees, which was added for it;
 *   <li>no replay of the journal at opening: round 0, the index ends before the journal;
 *   <li>records that count as acknowledged once they are sealed: round 0, the copy has to be
 *       fetched.
 * </ul>
 *
 * <p>Not found here in 10 rounds, but by PageLogTest: pages released without their batch. What
 * needs a machine to die, such as an fdatasync that is left out, is LocalDurabilityTest's to find,
 * and found there (5 of 17 tests failed).
 *
 * <p>{@code -Dmapfs.crash.rounds=N} kills more often, {@code -Dmapfs.crash.seed=S} otherwise.
 */
final class CrashTest {
  private static final int ROUNDS = Integer.getInteger("mapfs.crash.rounds", 4);
  private static final long SEED = Long.getLong("mapfs.crash.seed", 1);
  private static final int LIFE_MILLIS_MAX = 1_500;

  @TempDir Path temp;

  private final List<CrashWorkload.Round> history = new ArrayList<>();
  private final ManualClock clock = new ManualClock();
  private TestTrees trees;
  private RepositoryTree base;
  private OverlayFixture fixture;

  @Test
  @Timeout(value = 20, unit = TimeUnit.MINUTES)
  void whatWasAcknowledgedSurvivesKill() throws Exception {
    trees = GeneratedOperationsTest.trees();
    base = trees.build(temp);
    fixture = new OverlayFixture(temp.resolve("state"), base, trees.blockReader());
    fixture.journalSegmentBytes = CrashWorkload.JOURNAL_SEGMENT_BYTES;
    fixture.pageSegmentSlots = CrashWorkload.PAGE_SEGMENT_SLOTS;
    fixture.usedClock = clock;
    fixture.mount();
    fixture.unmount();
    for (int round = 0; round < ROUNDS; round++) {
      long seed = 1_000 * SEED + round;
      try {
        killAndCheck(round, seed, new Random(seed));
      } catch (AssertionError | Exception e) {
        throw new AssertionError(
            "round " + round + " of -Dmapfs.crash.seed=" + SEED + ": " + e.getMessage(), e);
      }
    }
    assertTrue(history.stream().anyMatch(past -> past.steps() > 0), "nothing ever survived");
    fixture.mount();
    fixture.close();
  }

  private void killAndCheck(int round, long seed, Random random) throws Exception {
    Path progressFile = temp.resolve("progress");
    Files.write(progressFile, new byte[CrashWorkload.PROGRESS_BYTES]);
    Durability durability = round % 2 == 0 ? Durability.LOCAL : Durability.STRICT;
    live(round, seed, random, durability, progressFile);
    ByteBuffer progress = ByteBuffer.wrap(Files.readAllBytes(progressFile));
    int begun = (int) progress.getLong(CrashWorkload.BEGUN);
    int acknowledged = (int) progress.getLong(CrashWorkload.ACKNOWLEDGED);
    long lastIno = progress.getLong(CrashWorkload.LAST_INO);

    if (durability == Durability.STRICT) {
      // Should this machine never come back: another one has all that an fsync acknowledged.
      survivors(round, seed, acknowledged, begun, atAppliance());
    }
    checkIndexAndJournal();
    fixture.mount();
    assertFalse(fixture.fetched, "after kill -9 the local copy is whole");
    SortedMap<String, String> left = OperationDriver.text(fixture.fs);
    int survived = survivors(round, seed, acknowledged, begun, left);
    history.add(new CrashWorkload.Round(seed, survived));
    System.err.printf(
        "crash round %d: %s, %d steps begun, %d acknowledged, %d survived, record %d%n",
        round, durability, begun, acknowledged, survived, fixture.appliance.sequence());

    Opened born = fixture.fs.tmpfile(TestContext.root(), NodeId.ROOT, 0600, 2);
    assertTrue(
        born.attributes().ino() > lastIno,
        () -> "inode number " + born.attributes().ino() + " given twice, up to " + lastIno);
    fixture.fs.release(TestContext.root(), born.attributes().node(), born.handle());
    fixture.fs.forget(born.attributes().node(), 1);
    fixture.fs.barrier(TestContext.root());
    assertEquals(List.of(), fixture.appliance.orphans());
    fixture.unmount();
    assertEquals(left, atAppliance());
  }

  /** Lets the process live for a while, the appliance out of reach now and then, and kills it. */
  private void live(int round, long seed, Random random, Durability durability, Path progress)
      throws Exception {
    Path scratch = temp.resolve("scratch" + round);
    Files.createDirectories(scratch);
    String past =
        history.stream().map(CrashWorkload.Round::toString).collect(Collectors.joining(","));
    try (ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-XX:+UseSerialGC",
                  "-XX:TieredStopAtLevel=1",
                  "-Djnr.ffi.x86asm.enabled=false",
                  "-cp",
                  System.getProperty("java.class.path"),
                  CrashWorkload.class.getName(),
                  fixture.directory.toString(),
                  scratch.toString(),
                  Integer.toString(listening.getLocalPort()),
                  progress.toString(),
                  durability.name(),
                  Integer.toString(1_000 + round),
                  Long.toString(seed),
                  past)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(temp.resolve("log").toFile()))
              .redirectErrorStream(true)
              .start();
      try (Socket socket = listening.accept()) {
        // A process that lives forever is lost, one that dies by itself has failed.
        Thread appliance = new Thread(() -> serve(socket, random.nextInt(), durability), "serve");
        appliance.start();
        while (Files.size(progress) == 0 || begun(progress) < 50) {
          assertTrue(process.isAlive(), () -> "the workload died: " + log());
          Thread.sleep(5);
        }
        Thread.sleep(random.nextInt(LIFE_MILLIS_MAX));
        assertTrue(process.isAlive(), () -> "the workload died: " + log());
        process.destroyForcibly().waitFor();
        appliance.join();
      } finally {
        process.destroyForcibly().waitFor();
      }
    }
  }

  private static long begun(Path progress) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(progress)).getLong(CrashWorkload.BEGUN);
  }

  private String log() {
    try {
      List<String> lines = Files.readAllLines(temp.resolve("log"));
      return String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size()));
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** Takes records, some late, some not at all, some with the answer lost. */
  private void serve(Socket socket, int seed, Durability durability) {
    Random random = new Random(seed);
    int refusals = durability == Durability.LOCAL ? 60 : 5;
    try {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      DataOutputStream out = new DataOutputStream(socket.getOutputStream());
      while (true) {
        JournalRecord record = RecordCodec.decode(take(in));
        ByteBuffer pages = take(in);
        boolean taken = random.nextInt(100) >= refusals;
        if (taken) {
          fixture.appliance.ship(record, List.of(pages)).join();
        }
        if (random.nextInt(10) == 0) {
          Thread.sleep(random.nextInt(30));
        }
        out.writeByte(taken && random.nextInt(50) > 0 ? 1 : 0);
      }
    } catch (EOFException | SocketException e) {
      // Killed.
    } catch (IOException | InterruptedException | CompletionException e) {
      throw new IllegalStateException(e);
    }
  }

  private static ByteBuffer take(DataInputStream in) throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return ByteBuffer.wrap(bytes);
  }

  /**
   * The index is where the journal ends, the journal is one chain, and replaying changes nothing
   * but where pages lie (compaction has moved some since). On a copy: nobody replays what the index
   * has on disk.
   */
  private void checkIndexAndJournal() throws Exception {
    Path copy = Files.createTempDirectory(temp, "copy");
    copyTree(fixture.directory, copy);
    try (OverlayState state = fixture.open(copy)) {
      LocalJournal journal = state.journal();
      OverlayPosition position = state.position();
      if (journal.lastSequence() == 0) {
        return;
      }
      assertEquals(journal.lastSequence(), position.sequence());
      SortedMap<String, String> rows = content(state.index());
      byte[] previous = null;
      for (long at = journal.firstSequence(); at <= journal.lastSequence(); at++) {
        SealedRecord sealed = journal.read(at);
        assertEquals(at, sealed.record().sequence());
        if (previous != null) {
          assertArrayEquals(previous, sealed.record().previousHash(), "record " + at);
        }
        previous = RecordCodec.hash(sealed.record());
        state.index().apply(sealed.record().changes(), sealed.pages(), position);
      }
      assertArrayEquals(previous, position.hash());
      assertEquals(rows, content(state.index()), "replaying changes the index");
    }
  }

  /** Every row as text; of extents, what the pages are, not where. */
  private static SortedMap<String, String> content(OverlayIndex index) throws IOException {
    SortedMap<String, String> rows = index.dump();
    rows.keySet().removeIf(row -> row.startsWith("extents "));
    index.forEachExtent(
        (ino, block, extent) ->
            rows.put(
                "extents " + ino + " " + block,
                extent.ownMask() + " " + extent.zeroMask() + " " + extent.remote()));
    return rows;
  }

  private static void copyTree(Path from, Path to) throws IOException {
    try (Stream<Path> paths = Files.walk(from)) {
      for (Path path : paths.toList()) {
        Files.copy(path, to.resolve(from.relativize(path)), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  /** How many steps of the round survived: the state is the one after exactly so many. */
  private int survivors(
      int round, long seed, int acknowledged, int begun, SortedMap<String, String> left)
      throws Exception {
    ManualClock replayed = new ManualClock();
    ReferenceFileSystem reference = ReferenceFileSystem.of(base, trees.blockReader(), replayed);
    OperationDriver driver = new OperationDriver(reference, null);
    CrashWorkload.replay(driver, replayed, history);
    List<Step> steps = CrashWorkload.steps(seed, 200_000);
    String nearest = null;
    for (int at = 0; at <= begun; at++) {
      if (at >= acknowledged) {
        SortedMap<String, String> expected = OperationDriver.text(reference);
        if (expected.equals(left)) {
          return at;
        }
        if (nearest == null) {
          nearest = difference(expected, left);
        }
      }
      if (at < begun) {
        CrashWorkload.setClock(replayed, round, at);
        driver.run(steps.get(at));
      }
    }
    throw new AssertionError(
        "what is left is no state after steps "
            + acknowledged
            + " to "
            + begun
            + "; it differs from that after the first of them in: "
            + nearest);
  }

  private static String difference(
      SortedMap<String, String> expected, SortedMap<String, String> left) {
    StringBuilder text = new StringBuilder();
    expected.forEach(
        (path, line) -> {
          if (!line.equals(left.get(path))) {
            text.append('\n')
                .append(path)
                .append(": ")
                .append(line)
                .append(" / ")
                .append(left.get(path));
          }
        });
    left.forEach(
        (path, line) -> {
          if (!expected.containsKey(path)) {
            text.append('\n').append(path).append(": nothing / ").append(line);
          }
        });
    return text.toString();
  }

  /** The tree of another machine, which fetches the head. */
  private SortedMap<String, String> atAppliance() throws Exception {
    Path other = Files.createTempDirectory(temp, "head");
    OverlayState state = OverlayState.open(other);
    state.load(
        fixture.appliance.headRows(50),
        fixture.appliance.position(OverlayFixture.NODE, 10_000, base));
    state.beginMount(10_001, 0, 0);
    OverlayFileSystem fs =
        OverlayFileSystem.mount(
            fixture.config,
            state,
            fixture.versions(),
            fixture.appliance,
            ReadListener.NONE,
            fixture.appliance,
            clock);
    try {
      return OperationDriver.text(fs);
    } finally {
      fs.crash();
    }
  }
}
