package io.mapfs.it;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.it.Machine.Program;
import io.mapfs.it.Wire.Fault;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Networks and machines that fail under real mounts, each machine in a network namespace of its
 * own. While it lasts what is cached is read, changes are taken, and what needs the appliance
 * waits, or fails where the mount says so; a killed program ends. Afterwards what waited succeeds,
 * nothing that was written is lost, here or on other hardware, and nobody is stuck.
 *
 * <p>{@code -Dmapfs.network.seconds=N} has every failure last so long at least.
 */
final class NetworkFailuresTest {
  private static final long LASTS_SECONDS = Long.getLong("mapfs.network.seconds", 0);

  /** Long enough for a connection to be given up, at either end or both. */
  private static final long LONG_SECONDS = 25;

  private static final long SHORT_SECONDS = 3;

  private static final int UNREAD_FILES = 3;
  private static final String[] PATIENT = {"--loss-limit", "100000"};
  private static final String LOST = "connection to the appliance lost";

  private Path rootfs;

  /** Serves all machines, with TLS. */
  private Network network;

  private Sandbox user;

  /** Serves one machine, whose appliance is the one that fails. */
  private Network otherNetwork;

  private Sandbox other;
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @BeforeEach
  void serve() throws Exception {
    Requirements.mounts();
    network = new Network();
    user = new Sandbox().within(network).withSecureAppliance();
    otherNetwork = new Network();
    other = new Sandbox().within(otherNetwork).withAppliance();
    rootfs = SmallTree.make(user.newDirectory("rootfs"));
    Files.createDirectory(rootfs.resolve("srv"));
    Random random = new Random(1);
    for (int i = 0; i < UNREAD_FILES; i++) {
      byte[] content = new byte[300_000];
      random.nextBytes(content);
      Files.write(rootfs.resolve("srv/unread-" + i), content);
    }
    user.run("repo", "import", "debian", rootfs.toString()).ok();
    other.run("repo", "import", "debian", rootfs.toString()).ok();
  }

  @AfterEach
  void close() throws Exception {
    threads.shutdownNow();
    assertTrue(threads.awaitTermination(Machine.END_SECONDS, TimeUnit.SECONDS));
    for (AutoCloseable each : new AutoCloseable[] {other, otherNetwork, user, network}) {
      if (each != null) {
        each.close();
      }
    }
  }

  /** Something that may fail. */
  private interface Step {
    void run() throws Exception;
  }

  /** All at once, since most of it is waiting. */
  @TestFactory
  Stream<DynamicTest> mountsOutlive() {
    Map<String, Step> cases = new LinkedHashMap<>();
    for (Fault fault : EnumSet.complementOf(EnumSet.of(Fault.SLOW))) {
      cases.put(nameOf(fault), () -> outlivesAFaultOfTheNetwork(fault));
    }
    cases.put("slow", this::worksOverASlowLink);
    cases.put("stopped-daemon", this::outlivesAStoppedDaemon);
    cases.put("failing-appliance", this::outlivesAFailingAppliance);
    cases.put("power", this::comesBackAfterAPowerCut);
    cases.put("limit", () -> failsIfTold(Fault.PULLED, "limit", "--loss-limit", "3"));
    cases.put(
        "at-once",
        () -> failsIfTold(Fault.RESET, "at-once", "--loss-limit", "100000", "--on-loss", "fail"));
    return cases.entrySet().stream()
        .map(
            each -> {
              Future<?> running = threads.submit(() -> run(each.getValue()));
              return DynamicTest.dynamicTest(each.getKey(), () -> await(running));
            })
        .toList()
        .stream();
  }

  private static Void run(Step step) throws Exception {
    step.run();
    return null;
  }

  private static void await(Future<?> running) throws Throwable {
    try {
      running.get();
    } catch (ExecutionException e) {
      throw e.getCause();
    }
  }

  private static String nameOf(Fault fault) {
    return fault.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private Machine machine(String node, String... options) throws Exception {
    user.run("node", "add", node, "--master", "debian").ok();
    Machine machine = new Machine(user, node, options);
    machine.join();
    machine.mount(network.newWire());
    return machine;
  }

  private static void last(long seconds) throws InterruptedException {
    TimeUnit.SECONDS.sleep(Math.max(seconds, LASTS_SECONDS));
  }

  // ---- what programs do before, meanwhile and afterwards ----

  private void before(Machine machine, int round) throws Exception {
    machine.run(
        "echo before >etc/before-$1; sync etc/before-$1; cat usr/bin/tool >/dev/null", round);
  }

  /** What needs the daemon alone goes on, and a program that is killed ends. */
  private void withoutTheAppliance(Machine machine, int round, long seconds) throws Exception {
    machine.run(
        """
        dd if=usr/bin/tool iflag=direct status=none | cmp - "$1"/usr/bin/tool
        ls usr/share/doc >/dev/null; echo during >etc/during-$2; mv etc/during-$2 etc/moved-$2
        """,
        rootfs,
        round);
    Program killed = machine.start("exec cat srv/unread-$1", round);
    last(Math.max(seconds, 1));
    killed.kill();
  }

  private Program reads(Machine machine, int round) throws Exception {
    return machine.start("cmp srv/unread-$2 \"$1\"/srv/unread-$2", rootfs, round);
  }

  private Program writes(Machine machine, int round) throws Exception {
    Path copy = copy(machine, round);
    Sandbox.shell("head -c 1000000 /dev/urandom >\"$1\"", copy);
    return machine.start("cp \"$1\" etc/large-$2; sync etc/large-$2", copy, round);
  }

  private Path copy(Machine machine, int round) {
    return user.path(machine.root().getFileName() + "-" + round);
  }

  private void after(Machine machine, int round) throws Exception {
    machine.run(
        "echo after >etc/after-$2; sync etc/after-$2; cmp srv/unread-$2 \"$1\"/srv/unread-$2",
        rootfs,
        round);
    machine.assertNobodyIsStuck();
  }

  private void nothingIsLost(Machine machine, int rounds) throws Exception {
    machine.umount();
    machine.mountElsewhere();
    for (int round = 0; round < rounds; round++) {
      machine.run(
          """
          test "$(cat etc/before-$2 etc/moved-$2 etc/after-$2 | xargs)" = "before during after"
          cmp etc/large-$2 "$1"
          """,
          copy(machine, round),
          round);
    }
    machine.umount();
  }

  // ---- the cases ----

  private void outlives(Machine machine, int round, Step begin, Step meanwhile, Step end)
      throws Exception {
    before(machine, round);
    begin.run();
    Program read;
    Program write;
    try {
      read = reads(machine, round);
      write = writes(machine, round);
      meanwhile.run();
      read.assertWaits();
      write.assertWaits();
    } finally {
      end.run();
    }
    read.assertSucceeds();
    write.assertSucceeds();
    after(machine, round);
  }

  private void outlivesAFaultOfTheNetwork(Fault fault) throws Exception {
    Machine machine = machine(nameOf(fault), PATIENT);
    outlives(
        machine,
        0,
        () -> machine.wire().begin(fault),
        () -> {
          withoutTheAppliance(machine, 0, LONG_SECONDS);
          if (fault != Fault.WHAT_THE_NODE_SENDS_IS_LOST) {
            // There it hears the appliance all the while, and learns later that it is not heard.
            machine.awaitLog(LOST);
          }
        },
        () -> machine.wire().end(fault));
    nothingIsLost(machine, 1);
  }

  /** It only takes longer: a record on its way for longer than silence is borne with. */
  private void worksOverASlowLink() throws Exception {
    Machine machine = machine("slow", PATIENT);
    before(machine, 0);
    machine.wire().begin(Fault.SLOW);
    try {
      withoutTheAppliance(machine, 0, 0);
      reads(machine, 0).assertSucceeds();
      writes(machine, 0).assertSucceeds();
    } finally {
      machine.wire().end(Fault.SLOW);
    }
    after(machine, 0);
    String log = machine.log();
    assertFalse(log.contains(LOST), log);
    nothingIsLost(machine, 1);
  }

  private static void signal(String signal, ProcessHandle process) throws Exception {
    Sandbox.shell("kill -$1 $2", signal, process.pid());
  }

  private void outlivesAStoppedDaemon() throws Exception {
    Machine machine = machine("stopped-daemon", PATIENT);
    machine.run("echo during >etc/moved-0");
    outlives(
        machine,
        0,
        () -> signal("STOP", machine.daemon()),
        () -> last(LONG_SECONDS),
        () -> signal("CONT", machine.daemon()));
    nothingIsLost(machine, 1);
  }

  private void outlivesAFailingAppliance() throws Exception {
    other.run("node", "add", "web01", "--master", "debian").ok();
    Machine machine = new Machine(other, "web01", PATIENT);
    machine.mount(otherNetwork.newWire());
    // Backwards, so that nothing is read ahead.
    outlives(
        machine,
        2,
        other::stopAppliance,
        () -> withoutTheAppliance(machine, 2, SHORT_SECONDS),
        other::serve);
    outlives(
        machine,
        1,
        () -> {
          machine.wire().begin(Fault.PULLED);
          other.killAppliance();
          other.serve();
        },
        () -> withoutTheAppliance(machine, 1, SHORT_SECONDS),
        () -> machine.wire().end(Fault.PULLED));
    outlives(
        machine,
        0,
        () -> signal("STOP", other.appliance()),
        () -> withoutTheAppliance(machine, 0, LONG_SECONDS),
        () -> signal("CONT", other.appliance()));
    nothingIsLost(machine, UNREAD_FILES);
  }

  /** Its connection is still there as far as the appliance knows. */
  private void comesBackAfterAPowerCut() throws Exception {
    Machine machine = machine("power", PATIENT);
    before(machine, 0);
    machine.losePower();
    machine.mount(network.newWire());
    machine.run("test before = $(cat etc/before-0)");
    after(machine, 0);
    machine.umount();
  }

  private void failsIfTold(Fault fault, String node, String... options) throws Exception {
    Machine machine = machine(node, options);
    before(machine, 0);
    machine.wire().begin(fault);
    try {
      withoutTheAppliance(machine, 0, 0);
      if (fault == Fault.RESET) {
        machine.awaitLog(LOST);
      }
      reads(machine, 0).assertFailsWithIoError();
      writes(machine, 0).assertFailsWithIoError();
    } finally {
      machine.wire().end(fault);
    }
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(Machine.END_SECONDS);
    while (machine.start("sync etc/large-0").exitCode() != 0) {
      assertTrue(System.nanoTime() < deadline, "the data is not sent when the link is back");
    }
    after(machine, 0);
    nothingIsLost(machine, 1);
  }
}
