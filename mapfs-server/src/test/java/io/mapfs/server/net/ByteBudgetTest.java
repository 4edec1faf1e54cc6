package io.mapfs.server.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ByteBudgetTest {
  private final ByteBudget budget = new ByteBudget(10);
  private final List<String> granted = new ArrayList<>();

  private ByteBudget.Waiter take(int bytes, String name) {
    return budget.take(bytes, () -> granted.add(name));
  }

  @Test
  void firstComeFirstServed() {
    assertNull(take(8, "a"));
    assertNotNull(take(6, "b"));
    assertNotNull(take(1, "c"), "a small one does not overtake: else large ones starve");
    budget.release(8);
    assertEquals(List.of("b", "c"), granted);
    assertEquals(3, budget.freeBytes());
  }

  @Test
  void whoGivesUpLetsOthersPass() {
    assertNull(take(8, "a"));
    ByteBudget.Waiter b = take(6, "b");
    take(2, "c");
    assertTrue(budget.abandon(b));
    assertEquals(List.of("c"), granted);
    assertFalse(budget.abandon(b));
    budget.release(8);
    budget.release(2);
    assertEquals(10, budget.freeBytes());
  }

  @Test
  void givingBackTooMuchIsABrokenInvariant() {
    assertThrows(IllegalStateException.class, () -> budget.release(1));
  }
}
