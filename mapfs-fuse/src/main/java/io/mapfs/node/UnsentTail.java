package io.mapfs.node;

import io.mapfs.client.ApplianceClient;
import io.mapfs.core.overlay.OverlayState;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import java.util.Arrays;

/**
 * Sends what an earlier daemon had sealed and not got rid of, under the epoch that it was sealed
 * under, before a new epoch is asked for.
 *
 * @param sent records that the appliance has taken now
 * @param refusal why the rest may not follow, or {@code null}: another machine took the lease
 *     since, or the overlay was rolled back
 */
record UnsentTail(int sent, String refusal) {

  static UnsentTail send(ApplianceClient client, String node, OverlayState state)
      throws ApplianceException {
    if (state.position() == null) {
      return new UnsentTail(0, null);
    }
    Message.OverlayPosition at = ApplianceClient.await(client.getPosition(node));
    if (state.lastSequence() <= at.sequence()) {
      return new UnsentTail(0, null);
    }
    int sent = 0;
    for (OverlayState.TailRecord next : state.tail(at.sequence())) {
      if (next.record().epoch() != at.epoch()
          || (sent == 0 && !Arrays.equals(next.record().previousHash(), at.hash()))) {
        return new UnsentTail(
            sent,
            "records from "
                + next.record().sequence()
                + " on were sealed under epoch "
                + next.record().epoch()
                + ", the appliance is at epoch "
                + at.epoch());
      }
      try {
        ApplianceClient.await(client.append(next.record(), next.pages()));
      } catch (ApplianceException e) {
        if (e.code() == FailureCode.UNAVAILABLE) {
          throw e;
        }
        return new UnsentTail(sent, e.getMessage());
      }
      sent++;
    }
    return new UnsentTail(sent, null);
  }
}
