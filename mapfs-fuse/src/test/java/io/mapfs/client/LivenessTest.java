package io.mapfs.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.mapfs.client.Liveness.Verdict;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Looks at given times: no clock, no thread. */
final class LivenessTest {
  private static final long SECOND = 1_000_000_000L;
  private static final long KEEP_ALIVE = 10 * SECOND;

  private final Liveness liveness = new Liveness(KEEP_ALIVE, 0);
  private final long step = liveness.lookAgainNanos();
  private long now;

  @BeforeEach
  void aThreadListens() {
    liveness.listen();
  }

  private Verdict look(long afterNanos) {
    now += afterNanos;
    return liveness.look(now);
  }

  private void look(int times, Verdict each) {
    for (int i = 0; i < times; i++) {
      assertEquals(each, look(step), "look " + i);
    }
  }

  private void hear() {
    liveness.heard();
    liveness.listen();
  }

  @Test
  void asksOnceAndGivesUpAfterAsMuchSilenceAgain() {
    look(3, Verdict.ALIVE);
    look(1, Verdict.ASK);
    look(3, Verdict.ALIVE);
    look(1, Verdict.DEAD);
    assertEquals(2 * KEEP_ALIVE, liveness.silentNanos());
  }

  @Test
  void everySignBeginsAnew() {
    for (int round = 0; round < 5; round++) {
      look(3, Verdict.ALIVE);
      look(1, Verdict.ASK);
      look(3, Verdict.ALIVE);
      hear();
      look(1, Verdict.ALIVE);
    }
  }

  @Test
  void timeInWhichThisProcessDidNotRunIsNoSilence() {
    for (int pause = 0; pause < 3; pause++) {
      assertEquals(Verdict.ALIVE, look(0));
      // However long: it counts as two looks' time at most, and the other end is asked first.
      assertEquals(Verdict.ALIVE, look(3600 * SECOND));
      assertEquals(Verdict.ASK, look(3600 * SECOND));
      assertEquals(Verdict.ALIVE, look(19 * SECOND));
      hear();
      assertEquals(Verdict.ALIVE, look(19 * SECOND));
    }
  }

  @Test
  void aThreadThatIsBusyWithWhatCameHearsNothing() {
    liveness.heard();
    look(100, Verdict.ALIVE);
    liveness.listen();
    look(3, Verdict.ALIVE);
    look(1, Verdict.ASK);
  }
}
