package io.mapfs.node;

import com.google.gson.JsonObject;
import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ClientConfig;
import io.mapfs.client.ClientTimeouts;
import io.mapfs.client.ReconnectingClient;
import io.mapfs.client.TreeFiles;
import io.mapfs.core.files.DurableFiles;
import io.mapfs.core.overlay.Durability;
import io.mapfs.core.overlay.OverlayConfig;
import io.mapfs.core.overlay.OverlayFileSystem;
import io.mapfs.core.overlay.OverlayPosition;
import io.mapfs.core.overlay.OverlayState;
import io.mapfs.core.posix.Posix;
import io.mapfs.core.tree.RepositoryTree;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.fuse.ConnectionFacts;
import io.mapfs.fuse.FrontEnd;
import io.mapfs.fuse.FrontEnds;
import io.mapfs.fuse.MountOptions;
import io.mapfs.fuse.MountedFileSystem;
import io.mapfs.node.cache.BlockCache;
import io.mapfs.node.cache.BlockCacheOptions;
import io.mapfs.node.cache.BootAhead;
import io.mapfs.node.cache.BootRecorder;
import io.mapfs.node.cache.ReadAhead;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node's mounted root, from the lease to the last acknowledged record.
 *
 * <p>{@link #run} brings the pieces up in order (client, key, unsent tail, lease, trees, head,
 * cache, overlay, kernel), serves until the mount ends, and takes them down in the opposite order.
 */
public final class NodeDaemon {
  private static final Logger log = LoggerFactory.getLogger(NodeDaemon.class);
  private static final long DEFAULT_CACHE_BYTES = 4L << 30;
  private static final Duration READY_LIMIT = Duration.ofSeconds(30);

  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(10);

  private final NodeConfig config;

  /** What is to be closed, last opened first. */
  private final Deque<Closeable> opened = new ArrayDeque<>();

  private final CountDownLatch finished = new CountDownLatch(1);

  private NodeDaemon(NodeConfig config) {
    this.config = config;
  }

  /**
   * Mounts, serves and returns when the mount has ended and everything has been handed over.
   *
   * @param ready told once, when the mount answers
   * @throws ApplianceException what kept it from mounting, or from handing over what it held
   */
  public static void run(NodeConfig config, Consumer<MountReport> ready)
      throws ApplianceException, InterruptedException {
    NodeDaemon daemon = new NodeDaemon(config);
    try {
      daemon.serve(ready);
    } catch (UncheckedIOException e) {
      throw failure(e.getCause());
    } catch (IOException e) {
      throw failure(e);
    } finally {
      daemon.closeAll();
      daemon.finished.countDown();
    }
  }

  private static ApplianceException failure(IOException e) {
    return e.getCause() instanceof ApplianceException refusal
        ? refusal
        : new ApplianceException(FailureCode.INTERNAL, String.valueOf(e.getMessage()), e);
  }

  private void serve(Consumer<MountReport> ready)
      throws ApplianceException, IOException, InterruptedException {
    FrontEnd frontEnd = FrontEnds.named(config.frontEnd());
    LeaseKeeper keeper = new LeaseKeeper(config.node());
    ReconnectingClient client =
        ReconnectingClient.start(
            List.of(config.appliance()),
            ClientConfig.node(config.node(), config.software())
                .withSecurity(config.security())
                .withTimeouts(ClientTimeouts.DEFAULTS.withRequest(config.lossLimit()))
                .withFailsOnLoss(config.failsOnLoss()),
            keeper);
    opened.push(client::close);
    client.awaitConnected(CONNECT_LIMIT);
    String clusterId = client.welcome().clusterId();
    NodeKey key = NodeKey.of(client, config);

    Path stateDirectory = config.paths().overlay(clusterId, config.node());
    OverlayState state = openState(stateDirectory);
    UnsentTail tail = handOver(client, state, stateDirectory);
    if (tail.late() > 0 || tail.refusal() != null) {
      state = openState(stateDirectory);
    }

    Message.OverlayOpened grant =
        ApplianceClient.await(client.openOverlay(config.node(), hostName(), config.force()));
    WireJournalShipper shipper = new WireJournalShipper(client, config.failsOnLoss());
    keeper.holds(client, shipper, grant.epoch(), key);

    TreeFiles trees = new TreeFiles(client, config.paths().trees(clusterId));
    RepositoryTree tree = trees.open(grant.master(), grant.version());
    boolean load =
        !state.isUsableAt(
            config.node(),
            grant.master(),
            grant.version(),
            grant.sequence(),
            grant.hash(),
            grant.headEpoch());
    if (load) {
      state.load(
          () -> new HeadRows(client, config.node(), grant.sequence()),
          new OverlayPosition(
              config.node(),
              grant.epoch(),
              grant.sequence(),
              grant.hash(),
              grant.master(),
              grant.version(),
              grant.nextIno(),
              grant.nextCookie()));
    }
    state.beginMount(grant.epoch(), grant.nextIno(), grant.nextCookie());

    BlockCache cache =
        BlockCache.open(
            BlockCacheOptions.of(config.paths().blocks(config.node()), cacheBytes(grant))
                .withDeadline(config.lossLimit()),
            new WireBlockSource(client));
    opened.push(cache);
    boolean boots = !config.bootWindow().isZero();
    ReadAhead readAhead = new ReadAhead(cache, ReadAhead.WINDOW_BYTES);
    BootRecorder recorder = new BootRecorder(readAhead);
    OverlayFileSystem overlay =
        OverlayFileSystem.mount(
            overlayConfig(grant),
            state,
            new NodeVersions(tree, version -> olderTree(trees, grant.master(), version)),
            cache,
            boots ? recorder : readAhead,
            shipper,
            Posix::coarseTime);
    // Closing the overlay closes its state.
    opened.remove((Closeable) state);
    opened.push(overlay);
    if (boots) {
      opened.push(
          BootAhead.start(
              new WireBootOrders(client, grant.master()),
              tree,
              cache,
              recorder,
              config.bootWindow()));
    }

    MountedFileSystem mount =
        frontEnd.mount(
            overlay,
            MountOptions.of(config.mountPoint(), "mapfs:" + config.node())
                .withReadOnly(config.readOnly())
                .withIdlePolling(config.idlePolling()));
    opened.push(mount::close);
    MountBarrier barrier = new MountBarrier(mount, overlay);
    opened.push(barrier);
    StopSignal.await(mount, barrier, finished);
    ConnectionFacts facts = mount.awaitReady(READY_LIMIT);
    barrier.start();
    client.onRequest(new PushRequests(barrier, shipper, overlay::changeQuota));

    MountReport report =
        new MountReport(
            config.node(),
            mount.mountPoint(),
            facts.frontEnd(),
            facts.major() + "." + facts.minor(),
            grant.master(),
            grant.version(),
            grant.epoch(),
            load,
            tail.sent(),
            tail.late());
    LocalControl control = new LocalControl(config, report, mount, barrier, overlay, client, cache);
    opened.push(control);
    control.start();
    log.info("mounted {}", report);
    ready.accept(report);

    mount.awaitEnd();
    try {
      control.ended(end(overlay, client, shipper, grant.epoch(), stateDirectory));
    } catch (ApplianceException e) {
      control.ended(e);
      throw e;
    }
  }

  private static RepositoryTree olderTree(TreeFiles trees, String master, int version)
      throws IOException {
    try {
      return trees.open(master, version);
    } catch (ApplianceException e) {
      throw new IOException(
          "version " + version + " of " + master + " cannot be fetched: " + e.getMessage(), e);
    }
  }

  /**
   * The mount is gone: what it left goes to the appliance, and then the lease back. Closing the
   * overlay may itself make a record (it drops files that were deleted while open), which needs the
   * lease.
   */
  private JsonObject end(
      OverlayFileSystem overlay,
      ApplianceClient client,
      WireJournalShipper shipper,
      long epoch,
      Path stateDirectory)
      throws ApplianceException {
    String failure;
    try {
      opened.remove((Closeable) overlay);
      overlay.close();
      if (!shipper.isFenced()) {
        ApplianceClient.await(client.closeOverlay(config.node(), epoch));
      }
      JsonObject result = new JsonObject();
      long sequence = overlay.metrics().acknowledgedSequence();
      result.addProperty("sequence", sequence);
      log.info("unmounted; everything is at the appliance up to record {}", sequence);
      return result;
    } catch (IOException | ApplianceException e) {
      failure =
          "unmounted, but not in order ("
              + e.getMessage()
              + "); what the appliance lacks is "
              + (shipper.isFenced() && handOverLate(client, stateDirectory)
                  ? "kept aside there: mapfs node tail list " + config.node()
                  : "kept in "
                      + config.paths().stateRoot()
                      + " and sent at the next mount on this machine");
    }
    log.error(failure);
    throw new ApplianceException(FailureCode.UNAVAILABLE, failure);
  }

  /** After a fence: what is left goes to the appliance as a late tail. Returns whether it did. */
  private boolean handOverLate(ApplianceClient client, Path stateDirectory) {
    try {
      return handOver(client, openState(stateDirectory), stateDirectory).refusal() == null;
    } catch (IOException | ApplianceException e) {
      log.warn("the late tail is not handed over yet: {}", e.getMessage());
      return false;
    }
  }

  /**
   * Hands over what is left of an earlier mount. If any of it came too late the local copy is
   * closed and gone afterwards: dropped where the appliance keeps the tail, else set aside where an
   * administrator finds it.
   */
  private UnsentTail handOver(ApplianceClient client, OverlayState state, Path directory)
      throws ApplianceException, IOException {
    UnsentTail tail = UnsentTail.handOver(client, config.node(), state);
    if (tail.late() == 0 && tail.refusal() == null) {
      return tail;
    }
    opened.remove(state);
    state.close();
    if (tail.refusal() == null) {
      log.warn(
          "{} records of an earlier mount came too late; the appliance keeps them aside: mapfs node"
              + " tail list {}",
          tail.late(),
          config.node());
      DurableFiles.deleteTree(directory);
    } else {
      Path aside =
          directory.resolveSibling(
              directory.getFileName() + ".aside-" + System.currentTimeMillis());
      Files.move(directory, aside);
      log.warn(
          "unsent changes of an earlier mount were set aside in {}: {}", aside, tail.refusal());
    }
    return tail;
  }

  private OverlayState openState(Path directory) throws IOException {
    OverlayState state = OverlayState.open(directory);
    opened.push(state);
    return state;
  }

  private long cacheBytes(Message.OverlayOpened grant) {
    return config
        .cacheBytes()
        .orElse(grant.cacheBytes() == 0 ? DEFAULT_CACHE_BYTES : grant.cacheBytes());
  }

  private OverlayConfig overlayConfig(Message.OverlayOpened grant) {
    return OverlayConfig.defaults()
        .withDurability(config.localDurability() ? Durability.LOCAL : Durability.STRICT)
        .withQuotaBytes(grant.quotaBytes())
        .withWaitLimitMillis(config.lossLimit().toMillis());
  }

  private static String hostName() {
    // Not InetAddress: that may ask a name server and wait for it.
    try {
      return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
    } catch (IOException e) {
      return "unknown host";
    }
  }

  private void closeAll() {
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (IOException | RuntimeException e) {
        log.warn("while shutting down: {}", e.toString());
      }
    }
  }
}
