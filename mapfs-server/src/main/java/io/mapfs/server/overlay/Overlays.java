package io.mapfs.server.overlay;

import io.mapfs.core.posix.Posix;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlRecords.EncryptionRecord;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlRecords.SnapshotRecord;
import io.mapfs.server.store.ControlTable;
import io.mapfs.server.store.Failures;
import io.mapfs.server.store.KeyFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.PriorityBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All nodes' overlays, by name. One that is damaged is out of use until the store is opened again,
 * and says so to whoever asks for it; all others serve. Safe for concurrent use.
 */
public final class Overlays implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(Overlays.class);
  private static final int COMMIT_THREADS = 4;
  private static final int SMALL_COMMIT_THREADS = 2;
  private static final int FOLD_THREADS = 2;

  /** Nobody waits for folding but who takes a snapshot; nodes wait for the rest. */
  private static final int FOLD_NICENESS = 10;

  private static final long STOP_SECONDS = 60;

  private final ApplianceStore store;
  private final OverlayRows rows;
  private final Strays strays;

  /** Runs a {@link Commit} of each overlay at most. */
  private final ExecutorService commits =
      threads("journal", COMMIT_THREADS, 0, new PriorityBlockingQueue<>());

  private final ExecutorService smallCommits =
      threads("small-journal", SMALL_COMMIT_THREADS, 0, new LinkedBlockingQueue<>());

  private final ExecutorService folds =
      threads("fold", FOLD_THREADS, FOLD_NICENESS, new LinkedBlockingQueue<>());
  private final Map<String, Overlay> overlays = new ConcurrentSkipListMap<>();

  /** By node: the keys of those that are encrypted, while they are here. */
  private final Map<String, HeldKey> keys = new ConcurrentHashMap<>();

  /** Why an overlay could not be opened. */
  private final Map<String, String> faults = new ConcurrentHashMap<>();

  private Overlays(ApplianceStore store) {
    this.store = store;
    this.rows = new OverlayRows(store.rows());
    this.strays = new Strays(store);
  }

  /** Opens the overlay of every node in the store, as far as they are whole. */
  public static Overlays open(ApplianceStore store) throws ApplianceException {
    Overlays all = new Overlays(store);
    try {
      Removal.complete(store.overlays());
      for (NodeRecord node : store.control().list(ControlTable.NODES, "")) {
        try {
          all.overlays.put(node.name(), all.open(node));
        } catch (IOException | RuntimeException e) {
          LOG.error("the overlay of {} is out of use", node.name(), e);
          all.faults.put(node.name(), String.valueOf(e.getMessage()));
        }
      }
      return all;
    } catch (IOException e) {
      all.closeQuietly(e);
      throw Failures.of("cannot open the overlays", e);
    } catch (RuntimeException e) {
      all.closeQuietly(e);
      throw e;
    }
  }

  private Overlay open(NodeRecord node) throws IOException {
    EncryptionRecord encryption = store.control().get(ControlTable.ENCRYPTIONS, node.name());
    if (encryption != null) {
      keys.put(node.name(), new HeldKey(node.name(), node.overlayId()));
      if (encryption.erasedMillis() != 0) {
        KeyFile.erase(directory(node.name()));
      }
    }
    Removal.complete(Tails.directory(directory(node.name())));
    List<Long> retained = new ArrayList<>(strays.snapshots(node.name()));
    for (SnapshotRecord snapshot :
        store.control().list(ControlTable.SNAPSHOTS, node.name() + "/")) {
      retained.add(snapshot.sequence());
    }
    return Overlay.open(
        node,
        directory(node.name()).resolve("journal"),
        key(node.name()),
        retained,
        new Overlay.Parts(
            store.blocks(),
            store.control(),
            rows,
            version -> store.repository().tree(node.master(), version),
            this::execute,
            folds));
  }

  private void execute(Runnable task) {
    boolean small = task instanceof Commit commit && commit.isSmall();
    (small ? smallCommits : commits).execute(task);
  }

  /**
   * A number for the overlay of a new node.
   *
   * @throws ApplianceException CONFLICT if files of a node of this name are there
   */
  public long newId(String node) throws IOException, ApplianceException {
    Path stray = strays.directory(node);
    if (stray != null) {
      throw new ApplianceException(
          FailureCode.CONFLICT,
          stray
              + " is there, though no record names it: restore the store's control records, or move"
              + " it away");
    }
    long id;
    do {
      id = store.control().nextId("overlay");
    } while (rows.isUsed(id));
    return id;
  }

  /** What lies in the nodes' directories though no control record names it. */
  public List<Path> unrecorded() throws IOException {
    return strays.list();
  }

  /** Removes a directory of those, whole. */
  public static void removeFiles(Path directory) throws IOException {
    KeyFile.erase(directory);
    Removal.remove(directory);
  }

  /** Opens the overlay of a node that was just recorded. */
  public Overlay add(NodeRecord node) throws IOException {
    Overlay overlay = open(node);
    overlays.put(node.name(), overlay);
    return overlay;
  }

  /** The node's overlay, or {@code null}: it was just removed, or is out of use. */
  public Overlay find(String node) {
    return overlays.get(node);
  }

  /**
   * The node's overlay.
   *
   * @throws ApplianceException CORRUPT if it is out of use, NOT_FOUND
   */
  public Overlay get(String node) throws ApplianceException {
    Overlay overlay = overlays.get(node);
    if (overlay == null) {
      String fault = faults.get(node);
      throw fault == null
          ? new ApplianceException(FailureCode.NOT_FOUND, "there is no node " + node)
          : new ApplianceException(
              FailureCode.CORRUPT,
              "the overlay of "
                  + node
                  + " is out of use: "
                  + fault
                  + "; then start the appliance anew, or remove the node");
    }
    return overlay;
  }

  /** The key of a node's overlay, which need not be here; {@code null} if it is not encrypted. */
  HeldKey key(String node) {
    return keys.get(node);
  }

  /** The rows of all of them. */
  public OverlayRows rows() {
    return rows;
  }

  /** Nodes whose overlays are out of use. */
  public Set<String> faulted() {
    return new TreeSet<>(faults.keySet());
  }

  /** Why the node's overlay is out of use; {@code null} if it is not. */
  public String fault(String node) {
    return faults.get(node);
  }

  public Collection<Overlay> all() {
    return List.copyOf(overlays.values());
  }

  /** Closes a node's overlay and removes all that it held. Its control records went before. */
  public void remove(String node, long overlayId) throws IOException {
    Overlay overlay = overlays.remove(node);
    faults.remove(node);
    if (overlay != null) {
      overlay.discard();
    }
    rows.drop(overlayId);
    keys.remove(node);
    removeFiles(directory(node));
  }

  /** Where a node's files are. */
  public Path directory(String node) {
    return store.overlayDirectory(node);
  }

  @Override
  public void close() throws IOException {
    List<IOException> failures = new ArrayList<>();
    for (Overlay overlay : overlays.values()) {
      try {
        overlay.close();
      } catch (IOException e) {
        failures.add(e);
      }
    }
    stop(commits);
    stop(smallCommits);
    stop(folds);
    if (!failures.isEmpty()) {
      IOException first = failures.get(0);
      failures.subList(1, failures.size()).forEach(first::addSuppressed);
      throw first;
    }
  }

  private void closeQuietly(Exception failure) {
    try {
      close();
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  private static void stop(ExecutorService threads) {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        threads.shutdownNow();
      }
    } catch (InterruptedException e) {
      threads.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  private static ExecutorService threads(
      String name, int count, int niceness, BlockingQueue<Runnable> queue) {
    AtomicInteger number = new AtomicInteger();
    return new ThreadPoolExecutor(
        count,
        count,
        0,
        TimeUnit.SECONDS,
        queue,
        task -> {
          Runnable work =
              () -> {
                if (niceness > 0) {
                  Posix.beNice(niceness);
                }
                task.run();
              };
          Thread thread = new Thread(work, name + "-" + number.incrementAndGet());
          thread.setDaemon(true);
          return thread;
        });
  }
}
