package io.mapfs.server.overlay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class CommitTest {
  private static final long MIB = 1 << 20;

  private final PriorityQueue<Commit> queue = new PriorityQueue<>();
  private final List<String> done = new ArrayList<>();

  private void add(String what, long bytes, long atMillis) {
    // The clock's sign changes between these times.
    long now = Long.MAX_VALUE + TimeUnit.MILLISECONDS.toNanos(atMillis - 500);
    queue.add(Commit.of(bytes, now, () -> done.add(what)));
  }

  private void assertOrder(String... expected) {
    while (!queue.isEmpty()) {
      queue.remove().run();
    }
    assertEquals(List.of(expected), done);
  }

  @Test
  void littleGoesBeforeMuch() {
    add("much", 16 * MIB, 0);
    add("some", MIB, 100);
    add("little", 4096, 900);
    assertOrder("little", "some", "much");
  }

  @Test
  void nobodyWaitsForEver() {
    add("much", MIB, 0);
    add("little", 4096, 990);
    add("later", 4096, 1010);
    assertOrder("little", "much", "later");
  }

  @Test
  void aProgramsFsyncIsSmallAndAStreamsRecordIsNot() {
    assertTrue(Commit.of(5000, 0, () -> {}).isSmall());
    assertFalse(Commit.of(MIB, 0, () -> {}).isSmall());
  }
}
