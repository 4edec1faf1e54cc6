package io.mapfs.core.overlay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.mapfs.core.journal.Change;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class BacklogLimitTest {
  private static final long MAX = 512L << 20;
  private static final long LEAST = 8L << 20;
  private static final int MIB_PAGES = (1 << 20) / Change.PAGE_BYTES;

  private final BacklogLimit limit = new BacklogLimit(MAX);
  private long now = 1_000_000_000L;

  @Test
  void isTheConfiguredOneWhileNobodyCommits() {
    assertEquals(MAX, limit.bytes(now));
    acknowledge(100, 100);
    assertEquals(MAX, limit.bytes(now));
  }

  @Test
  void isWhatIsAcknowledgedInATenthOfASecondWhileSomebodyDoes() {
    acknowledge(200, 1_000);
    limit.commit(now);
    assertMib(20);
    later(6_000);
    assertEquals(MAX, limit.bytes(now));
  }

  @Test
  void isNeverSoShortThatTheLineIsIdle() {
    limit.commit(now);
    assertEquals(LEAST, limit.bytes(now), "no rate is known yet");
    acknowledge(1, 5_000);
    limit.commit(now);
    assertEquals(LEAST, limit.bytes(now));
  }

  @Test
  void timesWithoutABacklogDoNotCount() {
    acknowledge(200, 1_000);
    limit.acknowledged(1, 0, now);
    later(60_000);
    limit.acknowledged(1, 1, now);
    limit.commit(now);
    assertMib(20);
  }

  @Test
  void followsTheRate() {
    acknowledge(200, 1_000);
    for (int i = 0; i < 10; i++) {
      acknowledge(100, 1_000);
    }
    limit.commit(now);
    assertMib(10);
  }

  @Test
  void whatIsLargeWaitsForRoomAndWhatIsSmallDoesNot() {
    limit.commit(now);
    int mib = 1 << 20;
    assertTrue(limit.admits(LEAST - mib, mib, now));
    assertFalse(limit.admits(LEAST - mib + 1, mib, now));
    assertTrue(limit.admits(LEAST, 4096, now));
    assertTrue(limit.admits(LEAST, 0, now));
    assertFalse(limit.admits(2 * LEAST, 4096, now), "small ones in great number are bounded, too");
    assertFalse(limit.admits(2 * LEAST + 1, 0, now));
  }

  @Test
  void thereIsAlwaysRoomForOne() {
    BacklogLimit narrow = new BacklogLimit(16_384);
    assertTrue(narrow.admits(4_095, 1 << 20, now));
    assertFalse(narrow.admits(4_096, 1 << 20, now));
    assertTrue(narrow.fillsBatch(4_096, now), "or nobody would ever make room");
  }

  @Test
  void whileSomebodyCommitsBatchesAreCutEarly() {
    assertFalse(limit.fillsBatch(LEAST, now));
    limit.commit(now);
    assertFalse(limit.fillsBatch(LEAST / 4 - 1, now));
    assertTrue(limit.fillsBatch(LEAST / 4, now));
  }

  /** So many MiB a second, for so long, with more waiting behind. */
  private void acknowledge(int mibPerSecond, int millis) {
    limit.acknowledged(1, 1, now);
    int parts = mibPerSecond * millis / 1000;
    for (int i = 0; i < parts; i++) {
      now += TimeUnit.MILLISECONDS.toNanos(millis) / parts;
      limit.acknowledged(MIB_PAGES, 1, now);
    }
  }

  private void assertMib(double mib) {
    assertEquals(mib, limit.bytes(now) / 1048576.0, 0.1);
  }

  private void later(long millis) {
    now += TimeUnit.MILLISECONDS.toNanos(millis);
  }
}
