package io.mapfs.server.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ReceiveTurnsTest {
  private static final long COUNTED = 100;

  private final ReceiveTurns turns = new ReceiveTurns(2, COUNTED);
  private final List<String> came = new ArrayList<>();

  private ReceiveTurns.Turn turn(String name) {
    return turns.turn(() -> came.add(name));
  }

  @Test
  void someAtATimeAndTheOthersInOrder() {
    ReceiveTurns.Turn a = turn("a");
    ReceiveTurns.Turn b = turn("b");
    assertTrue(turns.take(a, 0));
    assertTrue(turns.take(b, 0));
    assertFalse(turns.take(turn("c"), 0));
    assertFalse(turns.take(turn("d"), 0));
    turns.end(b, 1);
    assertEquals(List.of("c"), came);
    turns.end(a, 2);
    assertEquals(List.of("c", "d"), came);
  }

  @Test
  void nobodyOvertakesWhoWaits() {
    ReceiveTurns.Turn a = turn("a");
    turns.take(a, 0);
    turns.take(turn("b"), 0);
    turns.take(turn("c"), 0);
    turns.end(a, 1);
    assertEquals(List.of("c"), came);
    assertFalse(turns.take(turn("d"), 1));
  }

  @Test
  void whoeverIsSlowDoesNotKeepOthersWaiting() {
    // The clock's sign changes between these times.
    long begin = Long.MAX_VALUE - COUNTED / 2;
    ReceiveTurns.Turn slow = turn("slow");
    turns.take(slow, begin);
    turns.take(turn("slower"), begin + 1);
    turns.take(turn("c"), begin + 2);
    turns.passSlow(begin + COUNTED - 1);
    assertEquals(List.of(), came);
    turns.passSlow(begin + COUNTED);
    assertEquals(List.of("c"), came);
    turns.end(slow, begin + COUNTED);
    assertFalse(turns.take(turn("d"), begin + COUNTED), "its turn was passed on already");
  }

  @Test
  void whoGivesUpGetsNoTurn() {
    ReceiveTurns.Turn a = turn("a");
    ReceiveTurns.Turn c = turn("c");
    turns.take(a, 0);
    turns.take(turn("b"), 0);
    turns.take(c, 0);
    turns.take(turn("d"), 0);
    turns.end(c, 1);
    turns.end(a, 2);
    assertEquals(List.of("d"), came);
  }
}
