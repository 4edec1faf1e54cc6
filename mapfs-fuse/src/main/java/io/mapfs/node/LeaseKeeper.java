package io.mapfs.node;

import io.mapfs.client.ApplianceClient;
import io.mapfs.client.ConnectionListener;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Priority;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes the lease up again on every new connection, and holds records back until then. */
final class LeaseKeeper implements ConnectionListener {
  private static final Logger log = LoggerFactory.getLogger(LeaseKeeper.class);

  private final String node;
  private volatile Lease lease;

  private record Lease(ApplianceClient client, WireJournalShipper shipper, long epoch) {}

  LeaseKeeper(String node) {
    this.node = node;
  }

  /** The lease has been granted on the current connection. */
  void holds(ApplianceClient client, WireJournalShipper shipper, long epoch) {
    lease = new Lease(client, shipper, epoch);
  }

  @Override
  public void connected(Message.Welcome welcome) {
    Lease held = lease;
    if (held == null) {
      return;
    }
    CompletableFuture<Message.OverlayPosition> resumed =
        held.client.request(
            new Message.ResumeOverlay(node, held.epoch),
            Message.OverlayPosition.class,
            Priority.JOURNAL);
    // What comes of it is told to the shipper and the log; nobody waits for more.
    CompletableFuture<?> unused =
        resumed.whenComplete(
            (position, failure) -> {
              if (failure == null) {
                held.shipper.attach();
                log.info("connected again; the lease of epoch {} goes on", held.epoch);
              } else {
                refused(held, failure.getCause() == null ? failure : failure.getCause());
              }
            });
  }

  private static void refused(Lease held, Throwable failure) {
    if (failure instanceof ApplianceException e && e.code() == FailureCode.STALE_EPOCH) {
      held.shipper.fence(e.getMessage());
      log.error("the lease is gone: {}; nothing more is acknowledged", e.getMessage());
    } else {
      log.warn("the lease could not be taken up again: {}", failure.getMessage());
    }
  }

  @Override
  public void disconnected(ApplianceException cause) {
    log.warn("connection to the appliance lost: {}", cause.getMessage());
    Lease held = lease;
    if (held != null) {
      held.shipper.detach();
    }
  }
}
