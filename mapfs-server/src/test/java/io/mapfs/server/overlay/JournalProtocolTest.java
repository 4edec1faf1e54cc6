package io.mapfs.server.overlay;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.overlay.JournalProtocol.Credit;
import io.mapfs.server.overlay.JournalProtocol.Effect;
import io.mapfs.server.overlay.JournalProtocol.Event;
import io.mapfs.server.overlay.JournalProtocol.Measured;
import io.mapfs.server.overlay.JournalProtocol.State;
import java.util.List;
import org.junit.jupiter.api.Test;

final class JournalProtocolTest {
  private State state = State.found(4, 10, hash(10), Credit.unlimited());

  private static byte[] hash(int record) {
    byte[] hash = new byte[32];
    hash[0] = (byte) record;
    return hash;
  }

  private List<Effect> step(Event event) {
    JournalProtocol.Step step = JournalProtocol.step(state, event);
    state = step.state();
    return step.effects();
  }

  private void mount(long session) {
    step(new Event.Open(session, "host" + session, false, 1));
    step(new Event.EpochDurable(state.epoch()));
    assertTrue(state.granted());
  }

  private List<Effect> append(long session, long epoch, int sequence) {
    return step(
        new Event.Append(
            session, epoch, sequence, hash(sequence - 1), hash(sequence), null, 0, null));
  }

  private static FailureCode refusal(List<Effect> effects) {
    assertEquals(1, effects.size(), effects.toString());
    return ((Effect.Refuse) effects.get(0)).code();
  }

  @Test
  void grantsOnlyAfterTheEpochIsDurable() {
    List<Effect> effects = step(new Event.Open(1, "a", false, 7));
    assertEquals(List.of(new Effect.PersistEpoch(5, "a", 7)), effects);
    assertEquals(FailureCode.STALE_EPOCH, refusal(append(1, 5, 11)), "not granted yet");
    List<Effect> granted = step(new Event.EpochDurable(5));
    Effect.Grant grant = (Effect.Grant) granted.get(0);
    assertEquals(5, grant.epoch());
    assertEquals(10, grant.sequence());
    assertArrayEquals(hash(10), grant.hash());
  }

  @Test
  void aNewHolderWaitsForWhatTheOldOneIsStillWriting() {
    mount(1);
    assertEquals(List.of(new Effect.Write(11)), append(1, 5, 11));
    List<Effect> taken = step(new Event.Open(2, "b", true, 2));
    assertEquals(1, ((Effect.FenceSession) taken.get(0)).session());
    assertEquals(FailureCode.STALE_EPOCH, refusal(append(1, 5, 12)), "fenced at once");
    assertEquals(List.of(), step(new Event.EpochDurable(6)));
    List<Effect> durable = step(new Event.RecordsDurable(11));
    assertEquals(new Effect.Acknowledge(11), durable.get(0));
    assertEquals(11, ((Effect.Grant) durable.get(1)).sequence());
  }

  @Test
  void acceptsTheNextRecordOnly() {
    mount(1);
    assertEquals(FailureCode.GAP, refusal(append(1, 5, 12)));
    assertEquals(
        FailureCode.FORK,
        refusal(step(new Event.Append(1, 5, 11, hash(99), hash(11), null, 0, null))));
    assertEquals(List.of(new Effect.Write(11)), append(1, 5, 11));
    assertEquals(
        List.of(new Effect.AwaitDurable(11)),
        step(new Event.Append(1, 5, 11, hash(10), hash(11), hash(11), 0, null)));
    assertEquals(
        FailureCode.FORK,
        refusal(step(new Event.Append(1, 5, 11, hash(10), hash(12), hash(11), 0, null))));
    assertEquals(
        FailureCode.GAP, refusal(step(new Event.Append(1, 5, 3, hash(2), hash(3), null, 0, null))));
    assertEquals(FailureCode.STALE_EPOCH, refusal(append(1, 4, 12)));
    assertEquals(FailureCode.INVALID, refusal(append(1, 6, 12)));
    assertEquals(FailureCode.STALE_EPOCH, refusal(append(2, 5, 12)), "not the holder");
  }

  @Test
  void forgetsWhatCouldNotBeWritten() {
    mount(1);
    append(1, 5, 11);
    append(1, 5, 12);
    step(new Event.WriteFailed(hash(10)));
    assertEquals(10, state.sequence());
    assertEquals(List.of(new Effect.Write(11)), append(1, 5, 11));
    assertThrows(
        IllegalStateException.class, () -> step(new Event.RecordsDurable(12)), "never accepted");
  }

  @Test
  void oneHolderAtATime() {
    mount(1);
    assertEquals(FailureCode.CONFLICT, refusal(step(new Event.Open(2, "b", false, 2))));
    assertEquals(FailureCode.CONFLICT, refusal(step(new Event.Raise("a rollback", false, 3))));
    assertEquals(FailureCode.STALE_EPOCH, refusal(step(new Event.Close(1, 4))));
    assertEquals(List.of(), step(new Event.Close(1, 5)));
    step(new Event.Raise("a rollback", false, 3));
    assertEquals(
        FailureCode.CONFLICT, refusal(step(new Event.Open(2, "b", true, 2))), "not even by force");
    step(new Event.EpochDurable(6));
    step(new Event.Forwarded(11, hash(11)));
    step(new Event.Close(JournalProtocol.APPLIANCE, 6));
    mount(2);
    assertEquals(7, state.epoch());
    assertEquals(11, state.sequence());
  }

  @Test
  void aBrokenConnectionMayResumeItsEpochOnly() {
    mount(1);
    step(new Event.Disconnect(1));
    assertEquals(List.of(), step(new Event.Resume(2, 5, "host1", 9)));
    assertEquals(List.of(new Effect.Write(11)), append(2, 5, 11));
    assertEquals(FailureCode.STALE_EPOCH, refusal(append(1, 5, 12)));
    step(new Event.RecordsDurable(11));
    step(new Event.Disconnect(2));
    mount(3);
    assertEquals(FailureCode.STALE_EPOCH, refusal(step(new Event.Resume(2, 5, "host1", 9))));
  }

  @Test
  void aResumptionThatComesLateTakesNothingFromTheLaterConnection() {
    mount(1);
    assertEquals(List.of(), step(new Event.Resume(3, 5, "host1", 9)));
    assertEquals(FailureCode.CONFLICT, refusal(step(new Event.Resume(2, 5, "host1", 9))));
    step(new Event.Disconnect(2));
    assertEquals(List.of(new Effect.Write(11)), append(3, 5, 11));
  }

  @Test
  void anEpochThatMayHaveReachedTheDiskStaysTaken() {
    step(new Event.Open(1, "a", false, 1));
    step(new Event.EpochFailed(5));
    assertEquals(JournalProtocol.NO_SESSION, state.holder());
    assertEquals(
        List.of(new Effect.PersistEpoch(6, "a", 2)), step(new Event.Open(1, "a", false, 2)));
  }

  /** A record of the holder of epoch 5, which can add so much at most. */
  private List<Effect> append(int sequence, long mostBytes, Measured measured) {
    return step(
        new Event.Append(
            1, 5, sequence, hash(sequence - 1), hash(sequence), null, mostBytes, measured));
  }

  private static final List<Effect> MEASURE = List.of(new Effect.Measure());

  @Test
  void whatFitsWhateverItAddsIsTakenUnmeasured() {
    state = State.found(4, 10, hash(10), new Credit(100, 30));
    mount(1);
    assertEquals(List.of(new Effect.Write(11)), append(11, 70, null));
    assertEquals(new Credit(100, 100), state.credit());
    assertEquals(MEASURE, append(12, 1, null), "it could be too much");
    assertEquals(11, state.sequence(), "not taken yet");
    assertEquals(List.of(new Effect.Write(12)), append(12, 0, null), "it adds nothing");
  }

  @Test
  void whatIsTooMuchIsRefusedAndTheNextOfThatNumberTaken() {
    state = State.found(4, 10, hash(10), new Credit(100, 90));
    mount(1);
    assertEquals(MEASURE, append(11, 20, null));
    assertEquals(FailureCode.NO_SPACE, refusal(append(11, 20, new Measured(10, 90, 101))));
    assertEquals(10, state.sequence());
    assertEquals(new Credit(100, 90), state.credit());
    assertEquals(FailureCode.GAP, refusal(append(12, 0, null)), "nothing passes it by");
    assertEquals(List.of(new Effect.Write(11)), append(11, 20, new Measured(10, 90, 100)));
    assertEquals(new Credit(100, 100), state.credit());
  }

  @Test
  void aMeasureOfAnotherPlaceMeansNothing() {
    state = State.found(4, 10, hash(10), new Credit(100, 90));
    mount(1);
    assertEquals(MEASURE, append(11, 20, new Measured(9, 0, 20)));
  }

  @Test
  void whoHasTooMuchAlreadyMayStaySoAndHaveLess() {
    state = State.found(4, 10, hash(10), new Credit(100, Credit.UNKNOWN));
    mount(1);
    assertEquals(MEASURE, append(11, 20, null), "nobody knows yet what there is");
    assertEquals(FailureCode.NO_SPACE, refusal(append(11, 20, new Measured(10, 150, 151))));
    assertEquals(List.of(new Effect.Write(11)), append(11, 20, new Measured(10, 150, 150)));
    assertEquals(List.of(new Effect.Write(12)), append(12, 20, new Measured(11, 150, 60)));
    assertEquals(List.of(new Effect.Write(13)), append(13, 40, null));
  }

  @Test
  void theUseIsExactOnceAllIsFolded() {
    state = State.found(4, 10, hash(10), new Credit(100, 0));
    mount(1);
    append(11, 60, null);
    append(12, 40, null);
    step(new Event.Folded(11, 5));
    assertEquals(100, state.credit().usedBytes(), "record 12 is not in that");
    step(new Event.Folded(12, 7));
    assertEquals(7, state.credit().usedBytes());
  }

  @Test
  void aStrangersRecordIsNotEvenMeasured() {
    state = State.found(4, 10, hash(10), new Credit(100, 100));
    mount(1);
    assertEquals(FailureCode.STALE_EPOCH, refusal(append(2, 5, 11)));
    assertEquals(
        FailureCode.STALE_EPOCH,
        refusal(step(new Event.Append(2, 5, 11, hash(10), hash(11), null, 50, null))));
    assertEquals(
        FailureCode.FORK,
        refusal(step(new Event.Append(1, 5, 11, hash(9), hash(11), null, 50, null))));
  }
}
