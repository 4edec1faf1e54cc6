package io.mapfs.node;

import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ConnectionListener;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the lease up again on every new connection, after the key of an encrypted overlay is there,
 * and holds records back until then. A refusal that may pass is met by asking again, after pauses
 * that grow to a bound, for as long as the connection lasts.
 *
 * <p>Safe for concurrent use; calls nothing but the client and the shipper under its lock.
 */
final class LeaseKeeper implements ConnectionListener {
  private static final long PAUSE_MILLIS_MIN = 100;
  private static final long PAUSE_MILLIS_MAX = 5_000;

  private static final Logger log = LoggerFactory.getLogger(LeaseKeeper.class);

  /** Runs something later. */
  @FunctionalInterface
  interface Timer {
    void after(long millis, Runnable task);
  }

  private final String node;
  private final Timer timer;

  private Lease lease;

  /** Counts connections and their ends: what an older one answers or waits for means nothing. */
  private long connection;

  private record Lease(
      ApplianceClient client, WireJournalShipper shipper, long epoch, NodeKey key) {}

  LeaseKeeper(String node) {
    this(
        node,
        (millis, task) ->
            CompletableFuture.delayedExecutor(millis, TimeUnit.MILLISECONDS).execute(task));
  }

  LeaseKeeper(String node, Timer timer) {
    this.node = node;
    this.timer = timer;
  }

  /** The lease has been granted on the current connection. */
  synchronized void holds(
      ApplianceClient client, WireJournalShipper shipper, long epoch, NodeKey key) {
    lease = new Lease(client, shipper, epoch, key);
  }

  @Override
  public synchronized void connected(Message.Welcome welcome) {
    connection++;
    if (lease != null) {
      resume(connection, PAUSE_MILLIS_MIN);
    }
  }

  private synchronized void resume(long on, long pauseMillis) {
    if (on == connection) {
      // What comes of it is told to the shipper and the log; nobody waits for more.
      Lease resumed = lease;
      CompletableFuture<?> unused =
          resumed
              .key
              .bring(resumed.client)
              .thenCompose(brought -> resumed.client.resumeOverlay(node, resumed.epoch))
              .whenComplete((position, failure) -> answered(on, pauseMillis, unwrapped(failure)));
    }
  }

  private static Throwable unwrapped(Throwable failure) {
    return failure instanceof CompletionException ? failure.getCause() : failure;
  }

  private synchronized void answered(long on, long pauseMillis, Throwable failure) {
    if (on != connection) {
      return;
    }
    if (failure == null) {
      lease.shipper.attach();
      log.info("connected again; the lease of epoch {} goes on", lease.epoch);
    } else if (isFinal(failure)) {
      lease.shipper.fence(failure.getMessage());
      log.error("the lease is gone: {}; nothing more is acknowledged", failure.getMessage());
    } else {
      log.warn("the lease could not be taken up again yet: {}", failure.getMessage());
      timer.after(pauseMillis, () -> resume(on, Math.min(2 * pauseMillis, PAUSE_MILLIS_MAX)));
    }
  }

  /**
   * Another epoch is in force, the node was removed, or the overlay's key was erased: asking again
   * cannot help.
   */
  private static boolean isFinal(Throwable failure) {
    return failure instanceof ApplianceException refusal
        && (refusal.code() == FailureCode.STALE_EPOCH
            || refusal.code() == FailureCode.NOT_FOUND
            || refusal.code() == FailureCode.DENIED);
  }

  @Override
  public synchronized void disconnected(ApplianceException cause) {
    connection++;
    log.warn("connection to the appliance lost: {}", cause.getMessage());
    if (lease != null) {
      lease.shipper.detach();
    }
  }
}
