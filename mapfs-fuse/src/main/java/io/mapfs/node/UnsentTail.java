package io.mapfs.node;

import io.mapfs.client.ApplianceClient;
import io.mapfs.core.overlay.CatchUp;
import io.mapfs.core.overlay.OverlayState;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Protocol;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an earlier daemon had sealed and not got rid of, and what became of it now. While the epoch
 * that it was sealed under is in force it is appended; when that is over (another machine took the
 * lease since, or the overlay was rolled back), the appliance keeps it aside.
 *
 * @param sent records that were appended
 * @param late records that the appliance keeps aside
 * @param refusal why the rest may do neither, or {@code null}
 */
record UnsentTail(int sent, int late, String refusal) {
  private static final Logger log = LoggerFactory.getLogger(UnsentTail.class);
  private static final UnsentTail NONE = new UnsentTail(0, 0, null);

  /**
   * Hands the tail over; no lease is held then.
   *
   * @throws ApplianceException UNAVAILABLE; all of it is still here
   */
  static UnsentTail handOver(ApplianceClient client, String node, OverlayState state)
      throws ApplianceException {
    if (state.lastSequence() == 0) {
      return NONE;
    }
    long epoch = state.lastEpoch();
    Message.OverlayPosition at = ApplianceClient.await(client.getPosition(node));
    CatchUp.Tail rule = CatchUp.tail(state.lastSequence(), epoch, at.epoch(), at.sequence());
    if (rule == CatchUp.Tail.NONE) {
      return NONE;
    }
    int sent = rule == CatchUp.Tail.APPEND ? append(client, node, epoch, state) : 0;
    int late = 0;
    try {
      if ((client.welcome().features() & Protocol.FEATURE_TAILS) == 0) {
        return new UnsentTail(sent, 0, "the appliance, of an older release, cannot keep it aside");
      }
      long accepted = ApplianceClient.await(client.openTail(node, epoch)).sequence();
      for (OverlayState.TailRecord next : state.tail(accepted)) {
        ApplianceClient.await(client.appendTail(next.record(), next.pages()));
        late++;
      }
      return new UnsentTail(sent, late, null);
    } catch (ApplianceException e) {
      if (e.code() == FailureCode.UNAVAILABLE) {
        throw e;
      }
      return new UnsentTail(sent, late, e.getMessage());
    }
  }

  /** Takes the lease up again, appends as much as is accepted, and gives the lease back. */
  private static int append(ApplianceClient client, String node, long epoch, OverlayState state)
      throws ApplianceException {
    int sent = 0;
    try {
      Message.OverlayPosition at = ApplianceClient.await(client.resumeOverlay(node, epoch));
      try {
        for (OverlayState.TailRecord next : state.tail(at.sequence())) {
          ApplianceClient.await(client.append(next.record(), next.pages()));
          sent++;
        }
      } finally {
        ApplianceClient.await(client.closeOverlay(node, epoch));
      }
    } catch (ApplianceException e) {
      if (e.code() == FailureCode.UNAVAILABLE) {
        throw e;
      }
      log.warn("the appliance takes no more of epoch {}: {}", epoch, e.getMessage());
    }
    return sent;
  }
}
