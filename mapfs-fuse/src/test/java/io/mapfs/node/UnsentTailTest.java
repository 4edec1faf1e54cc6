package io.mapfs.node;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mapfs.client.StubClient;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.overlay.LeftBehind;
import io.mapfs.core.overlay.OverlayState;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Under which epoch a killed daemon's records go to the appliance: the one that is in them. */
final class UnsentTailTest {
  private static final long EPOCH = 1;

  @TempDir Path temp;
  private final Appliance appliance = new Appliance();

  private UnsentTail handOver(int acknowledged, int unsent) throws Exception {
    try (OverlayState state = LeftBehind.records(temp, acknowledged, unsent)) {
      return UnsentTail.handOver(appliance, "web01", state);
    }
  }

  @Test
  void nothingIsAskedWhereNothingWasSealed() throws Exception {
    assertEquals(new UnsentTail(0, 0, null), handOver(0, 0));
    assertEquals(List.of(), appliance.asked);
  }

  @Test
  void nothingIsSentThatTheApplianceHas() throws Exception {
    appliance.stands(EPOCH, 3);
    assertEquals(new UnsentTail(0, 0, null), handOver(3, 0));
    assertEquals(List.of("position"), appliance.asked);
  }

  @Test
  void theRestIsAppendedWhileItsEpochIsInForce() throws Exception {
    appliance.stands(EPOCH, 2);
    appliance.accepted = 4;
    assertEquals(new UnsentTail(2, 0, null), handOver(2, 2));
    assertEquals(
        List.of("position", "resume 1", "append 1/3", "append 1/4", "close 1", "tail 1"),
        appliance.asked);
  }

  @Test
  void aSequenceThatAnotherEpochWentPastIsNotTakenForThese() throws Exception {
    // Another machine wrote as many records: the number alone says that all is there.
    appliance.stands(EPOCH + 1, 4);
    appliance.accepted = 2;
    assertEquals(new UnsentTail(0, 2, null), handOver(2, 2));
    assertEquals(List.of("position", "tail 1", "late 1/3", "late 1/4"), appliance.asked);
  }

  @Test
  void aRefusalIsTold() throws Exception {
    appliance.stands(EPOCH + 5, 2);
    appliance.refusal = new ApplianceException(FailureCode.NO_SPACE, "the appliance is full");
    assertEquals(new UnsentTail(0, 0, "the appliance is full"), handOver(2, 1));
    assertEquals(List.of("position", "tail 1"), appliance.asked);
  }

  /** Stands where it is told to, and takes note of what it is asked. */
  private static final class Appliance extends StubClient {
    final List<String> asked = new ArrayList<>();
    long accepted;
    ApplianceException refusal;
    private long epoch = EPOCH;
    private long sequence;

    void stands(long inEpoch, long atSequence) {
      epoch = inEpoch;
      sequence = atSequence;
    }

    @Override
    protected Message answer(Message request) throws ApplianceException {
      if (request instanceof Message.GetPosition) {
        asked.add("position");
        return position();
      } else if (request instanceof Message.ResumeOverlay resume) {
        asked.add("resume " + resume.epoch());
        return position();
      } else if (request instanceof Message.Append append) {
        return taken("append ", append.record());
      } else if (request instanceof Message.CloseOverlay close) {
        asked.add("close " + close.epoch());
        return new Message.Done();
      } else if (request instanceof Message.OpenTail tail) {
        asked.add("tail " + tail.epoch());
        if (refusal != null) {
          throw refusal;
        }
        return new Message.TailOpened(accepted);
      } else if (request instanceof Message.AppendTail late) {
        return taken("late ", late.record());
      }
      throw new UnsupportedOperationException(request.toString());
    }

    private Message taken(String how, JournalRecord record) {
      asked.add(how + record.epoch() + "/" + record.sequence());
      return new Message.Appended(record.sequence());
    }

    private Message position() {
      return new Message.OverlayPosition(epoch, sequence, new byte[JournalRecord.HASH_BYTES], 0);
    }
  }
}
