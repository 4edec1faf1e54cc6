package io.mapfs.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.client.StubClient;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;

final class LeaseKeeperTest {
  private static final long EPOCH = 7;
  private final ApplianceException lost =
      new ApplianceException(FailureCode.UNAVAILABLE, "a planted break");

  private final Appliance appliance = new Appliance();
  private final WireJournalShipper shipper = new WireJournalShipper(appliance, true);
  private final Deque<Runnable> timers = new ArrayDeque<>();
  private final List<Long> pauses = new ArrayList<>();
  private final LeaseKeeper keeper =
      new LeaseKeeper(
          "web01",
          (millis, task) -> {
            pauses.add(millis);
            timers.add(task);
          });

  private void reconnect() {
    keeper.holds(appliance, shipper, EPOCH, NodeKey.NONE);
    keeper.disconnected(lost);
    assertFalse(ships());
    keeper.connected(appliance.welcome());
  }

  /** Whether the shipper lets a record through. */
  private boolean ships() {
    JournalRecord record =
        new JournalRecord("web01", EPOCH, 1, new byte[JournalRecord.HASH_BYTES], 0, List.of());
    return !shipper.ship(record, List.of()).isCompletedExceptionally();
  }

  @Test
  void theLeaseGoesOnWithTheNextConnection() {
    reconnect();
    assertTrue(ships());
    assertEquals(List.of(EPOCH), appliance.resumed);
  }

  @Test
  void aRefusalThatMayPassIsMetByAskingAgainAfterGrowingPauses() {
    for (int i = 0; i < 8; i++) {
      appliance.refuse(FailureCode.UNAVAILABLE);
    }
    reconnect();
    while (!timers.isEmpty()) {
      assertFalse(ships());
      timers.remove().run();
    }
    assertTrue(ships());
    assertEquals(List.of(100L, 200L, 400L, 800L, 1600L, 3200L, 5000L, 5000L), pauses);
    assertFalse(shipper.isFenced());
  }

  @Test
  void whoIsToldNotToWaitDoesSoOnlyWithoutTheLease() {
    WireJournalShipper patient = new WireJournalShipper(appliance, false);
    patient.detach();
    assertFalse(patient.isWaitingInVain());
    assertFalse(shipper.isWaitingInVain());
    appliance.refuse(FailureCode.UNAVAILABLE);
    reconnect();
    assertTrue(shipper.isWaitingInVain());
    timers.remove().run();
    assertFalse(shipper.isWaitingInVain());
  }

  @Test
  void aRefusalForGoodFences() {
    appliance.refuse(FailureCode.STALE_EPOCH);
    reconnect();
    assertTrue(shipper.isFenced());
    assertTrue(timers.isEmpty());
  }

  @Test
  void whatWaitsOnAnOlderConnectionIsForgotten() {
    appliance.refuse(FailureCode.UNAVAILABLE);
    reconnect();
    keeper.disconnected(lost);
    timers.remove().run();
    assertEquals(1, appliance.resumed.size());
    assertFalse(ships());
    keeper.connected(appliance.welcome());
    assertTrue(ships());
  }

  /** Answers resumption with the planned refusals first, and takes every record. */
  private static final class Appliance extends StubClient {
    final List<Long> resumed = new ArrayList<>();
    private final Deque<FailureCode> refusals = new ArrayDeque<>();

    void refuse(FailureCode code) {
      refusals.add(code);
    }

    @Override
    protected Message answer(Message request) throws ApplianceException {
      if (request instanceof Message.Append append) {
        return new Message.Appended(append.record().sequence());
      }
      resumed.add(((Message.ResumeOverlay) request).epoch());
      if (!refusals.isEmpty()) {
        throw new ApplianceException(refusals.remove(), "a planted refusal");
      }
      return new Message.OverlayPosition(EPOCH, 0, new byte[JournalRecord.HASH_BYTES], 0);
    }
  }
}
