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
import java.util.Collections;
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

/**
 * Measures an appliance with many nodes at a time.
 *
 * <pre>
 *  add    APPLIANCE MASTER COUNT          adds the nodes light1 to lightCOUNT
 *  read   APPLIANCE MASTER COUNT DIR [CREDENTIAL]
 *         each node reads every block of version 1 once, all of them at the same time; says
 *         "STORED_MIB SECONDS FASTEST_SECONDS SLOWEST_SECONDS"
 *  commit APPLIANCE COUNT SECONDS         for so long light1 ships records of one page and waits
 *         for each, while the others stream theirs; says
 *         "P50_MS P99_MS MAX_MS COMMITS STREAMED_MIB_A_SECOND"
 * </pre>
 *
 * DIR keeps the tree's index. With a credential there is one node, the credential's.
 */
final class LoadRun {
  private static final int STREAMED_PAGES = 256;
  private static final int STREAMED_AHEAD = 4;

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
      case "commit" ->
          System.out.println(
              commit(appliance, Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3])));
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
    List<LightNode> nodes = connect(appliance, count, security);
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

  private static String commit(Endpoint appliance, int count, int seconds) throws Exception {
    List<LightNode> nodes = connect(appliance, count, ClientSecurity.PLAIN);
    try {
      AtomicBoolean stop = new AtomicBoolean();
      AtomicLong streamed = new AtomicLong();
      CountDownLatch begin = new CountDownLatch(1);
      List<Double> millis = new ArrayList<>();
      List<Callable<Double>> writers = new ArrayList<>();
      for (LightNode node : nodes) {
        node.open();
        writers.add(
            () -> {
              begin.await();
              long start = System.nanoTime();
              if (node == nodes.get(0)) {
                commitEach(node, start + TimeUnit.SECONDS.toNanos(seconds), millis);
                stop.set(true);
              } else {
                stream(node, stop, streamed);
              }
              return (System.nanoTime() - start) / 1e9;
            });
      }
      double took = run(writers, begin).get(0);
      Collections.sort(millis);
      int commits = millis.size();
      return String.format(
          Locale.ROOT,
          "%.2f %.2f %.2f %d %.1f",
          millis.get(commits / 2),
          millis.get(commits * 99 / 100),
          millis.get(commits - 1),
          commits,
          streamed.get() / 1048576.0 / took);
    } finally {
      nodes.forEach(LightNode::close);
    }
  }

  private static void commitEach(LightNode node, long endNanos, List<Double> millis)
      throws ApplianceException {
    for (long start = System.nanoTime(); start < endNanos; start = System.nanoTime()) {
      ApplianceClient.await(node.append(1));
      millis.add((System.nanoTime() - start) / 1e6);
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

  private static List<LightNode> connect(Endpoint appliance, int count, ClientSecurity security)
      throws Exception {
    List<LightNode> nodes = new ArrayList<>();
    try {
      for (int number = 1; number <= count; number++) {
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
