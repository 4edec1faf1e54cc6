package io.mapfs.it.load;

import com.google.gson.JsonObject;
import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ClientConfig;
import io.mapfs.client.ClientSecurity;
import io.mapfs.client.Endpoint;
import io.mapfs.core.block.StoredBlock;
import io.mapfs.core.security.Credential;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.DoubleStream;

/**
 * Measures an appliance with many nodes at a time.
 *
 * <pre>
 *  add    APPLIANCE MASTER COUNT          adds the nodes light1 to lightCOUNT
 *  read   APPLIANCE MASTER COUNT DIR [CREDENTIAL]
 *         each node reads every block of version 1 once, all of them at the same time; says
 *         "STORED_MIB SECONDS FASTEST_SECONDS SLOWEST_SECONDS"
 *  commit APPLIANCE SECONDS               for so long light1 ships records of one page and waits
 *         for each; says "P50_MS P99_MS MAX_MS COMMITS"
 *  stream APPLIANCE COUNT SECONDS         for so long light2 to lightCOUNT ship records of 1 MiB,
 *         four ahead of the answers; says "STREAMED_MIB_A_SECOND"
 * </pre>
 *
 * The last two warm up for {@value #WARM_SECONDS} s before. DIR keeps the tree's index. With a
 * credential there is one node, the credential's.
 */
final class LoadRun {
  private static final int STREAMED_PAGES = 256;
  private static final int STREAMED_AHEAD = 4;
  private static final long WARM_SECONDS = 3;

  private LoadRun() {}

  public static void main(String[] arguments) throws Exception {
    Endpoint appliance = Endpoint.parse(arguments[1]);
    switch (arguments[0]) {
      case "add" -> addNodes(appliance, arguments[2], Integer.parseInt(arguments[3]));
      case "read" -> {
        ClientSecurity security =
            arguments.length > 5
                ? new ClientSecurity.Certified(Credential.load(Path.of(arguments[5])))
                : ClientSecurity.PLAIN;
        int count = Integer.parseInt(arguments[3]);
        System.out.println(
            read(appliance, arguments[2], count, Path.of(arguments[4]), security).text());
      }
      case "commit" -> System.out.println(commit(appliance, Long.parseLong(arguments[2])));
      case "stream" ->
          System.out.println(
              stream(appliance, Integer.parseInt(arguments[2]), Long.parseLong(arguments[3])));
      default -> throw new IllegalArgumentException(arguments[0]);
    }
    System.exit(0);
  }

  static String nodeName(int number) {
    return "light" + number;
  }

  /** Adds nodes that are not there yet. */
  static void addNodes(Endpoint appliance, String master, int count) throws ApplianceException {
    try (ApplianceClient admin =
        ApplianceClient.connect(appliance, ClientConfig.admin("light nodes"))) {
      for (int number = 1; number <= count; number++) {
        JsonObject parameters = new JsonObject();
        parameters.addProperty("node", nodeName(number));
        parameters.addProperty("master", master);
        try {
          admin.call("node.add", parameters);
        } catch (ApplianceException e) {
          if (e.code() != FailureCode.CONFLICT) {
            throw e;
          }
        }
      }
    }
  }

  /** What came of a read by many: bytes as they are stored, and the time of each node. */
  record Reading(long storedBytes, double seconds, double[] eachSeconds) {
    String text() {
      double[] sorted = eachSeconds.clone();
      Arrays.sort(sorted);
      return String.format(
          Locale.ROOT,
          "%.1f %.3f %.3f %.3f",
          storedBytes / 1048576.0,
          seconds,
          sorted[0],
          sorted[sorted.length - 1]);
    }
  }

  static Reading read(
      Endpoint appliance, String master, int count, Path trees, ClientSecurity security)
      throws Exception {
    List<LightNode> nodes = connect(appliance, 1, count, security);
    try {
      TreeBlocks tree = nodes.get(0).blocks(master, 1, trees);
      AtomicLong bytes = new AtomicLong();
      List<Callable<Double>> reads = new ArrayList<>();
      CountDownLatch begin = new CountDownLatch(1);
      for (LightNode node : nodes) {
        reads.add(
            () -> {
              begin.await();
              long start = System.nanoTime();
              node.read(tree, block -> bytes.addAndGet(size(block)));
              return (System.nanoTime() - start) / 1e9;
            });
      }
      long start = System.nanoTime();
      double[] each = run(reads, begin).stream().mapToDouble(Double::doubleValue).toArray();
      return new Reading(bytes.get(), (System.nanoTime() - start) / 1e9, each);
    } finally {
      nodes.forEach(LightNode::close);
    }
  }

  private static int size(StoredBlock block) {
    return block.payload().remaining();
  }

  private static String commit(Endpoint appliance, long seconds) throws Exception {
    try (LightNode node = LightNode.connect(appliance, nodeName(1), ClientSecurity.PLAIN)) {
      node.open();
      commitFor(node, WARM_SECONDS);
      double[] millis = commitFor(node, seconds);
      Arrays.sort(millis);
      int commits = millis.length;
      return String.format(
          Locale.ROOT,
          "%.2f %.2f %.2f %d",
          millis[commits / 2],
          millis[commits * 99 / 100],
          millis[commits - 1],
          commits);
    }
  }

  /** Commits one after the other; the milliseconds that each took. */
  private static double[] commitFor(LightNode node, long seconds) throws ApplianceException {
    DoubleStream.Builder millis = DoubleStream.builder();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    for (long start = System.nanoTime(); start < end; start = System.nanoTime()) {
      ApplianceClient.await(node.append(1));
      millis.add((System.nanoTime() - start) / 1e6);
    }
    return millis.build().toArray();
  }

  private static String stream(Endpoint appliance, int last, long seconds) throws Exception {
    List<LightNode> nodes = connect(appliance, 2, last, ClientSecurity.PLAIN);
    try {
      AtomicBoolean stop = new AtomicBoolean();
      AtomicLong streamed = new AtomicLong();
      CountDownLatch begin = new CountDownLatch(1);
      List<Callable<Double>> works = new ArrayList<>();
      for (LightNode node : nodes) {
        node.open();
        works.add(
            () -> {
              begin.await();
              stream(node, stop, streamed);
              return 0.0;
            });
      }
      works.add(
          () -> {
            begin.await();
            TimeUnit.SECONDS.sleep(WARM_SECONDS);
            long before = streamed.get();
            long start = System.nanoTime();
            TimeUnit.SECONDS.sleep(seconds);
            double rate = (streamed.get() - before) / ((System.nanoTime() - start) / 1e9);
            stop.set(true);
            return rate;
          });
      List<Double> results = run(works, begin);
      return String.format(Locale.ROOT, "%.1f", results.get(results.size() - 1) / 1048576.0);
    } finally {
      nodes.forEach(LightNode::close);
    }
  }

  private static void stream(LightNode node, AtomicBoolean stop, AtomicLong streamed)
      throws ApplianceException {
    Deque<CompletableFuture<Message.Appended>> sent = new ArrayDeque<>();
    while (!stop.get()) {
      if (sent.size() == STREAMED_AHEAD) {
        ApplianceClient.await(sent.remove());
        streamed.addAndGet(STREAMED_PAGES * 4096L);
      }
      sent.add(node.append(STREAMED_PAGES));
    }
    while (!sent.isEmpty()) {
      ApplianceClient.await(sent.remove());
    }
  }

  private static List<LightNode> connect(
      Endpoint appliance, int first, int last, ClientSecurity security) throws Exception {
    List<LightNode> nodes = new ArrayList<>();
    try {
      for (int number = first; number <= last; number++) {
        String name =
            security instanceof ClientSecurity.Certified certified
                ? certified.credential().identity().name()
                : nodeName(number);
        nodes.add(LightNode.connect(appliance, name, security));
      }
      return nodes;
    } catch (ApplianceException e) {
      nodes.forEach(LightNode::close);
      throw e;
    }
  }

  /** Runs all at once, a thread each; fails with the first failure, in the order of the nodes. */
  static <T> List<T> run(List<Callable<T>> works, CountDownLatch begin) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(works.size());
    try {
      List<Future<T>> running = works.stream().map(threads::submit).toList();
      begin.countDown();
      List<T> results = new ArrayList<>();
      for (Future<T> each : running) {
        results.add(each.get());
      }
      return results;
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception failure ? failure : e;
    } finally {
      threads.shutdownNow();
    }
  }
}
