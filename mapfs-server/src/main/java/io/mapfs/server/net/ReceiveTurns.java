package io.mapfs.server.net;

import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Whose large payload is received next, all connections together: a few at a time, first come,
 * first served.
 *
 * <p>What all connections may have on their way at once stands in one queue, that of the link that
 * they share, and whoever sends a small request waits behind it. A few senders fill any link; those
 * who wait for their turn are not read from, so that they stop sending. A turn that takes long is
 * not counted any more: its sender is slow, or has stopped, and others may fill the link.
 *
 * <p>Times are nanoseconds of {@link System#nanoTime}. Safe for concurrent use.
 */
final class ReceiveTurns {
  private final int most;
  private final long countedNanos;

  /** Those who wait, in order. */
  private final ArrayDeque<Turn> waiting = new ArrayDeque<>();

  /** Those who receive and are counted, the first that began first. */
  private final Set<Turn> counted = new LinkedHashSet<>();

  /** One connection's turn; compared by identity. */
  static final class Turn {
    private final Runnable granted;
    private long begunNanos;

    private Turn(Runnable granted) {
      this.granted = granted;
    }
  }

  /**
   * @param most turns at a time
   * @param countedNanos how long a turn is counted
   */
  ReceiveTurns(int most, long countedNanos) {
    this.most = most;
    this.countedNanos = countedNanos;
  }

  /** A turn to be taken; {@code granted} is run, on any thread, if it had to be waited for. */
  Turn turn(Runnable granted) {
    return new Turn(granted);
  }

  /** Whether the turn has come at once; else it is waited for, until it comes or is ended. */
  synchronized boolean take(Turn turn, long now) {
    if (waiting.isEmpty() && counted.size() < most) {
      begin(turn, now);
      return true;
    }
    waiting.add(turn);
    return false;
  }

  private void begin(Turn turn, long now) {
    turn.begunNanos = now;
    counted.add(turn);
  }

  /** The turn's payload is received, or is not wanted any more. */
  void end(Turn turn, long now) {
    ArrayDeque<Turn> came;
    synchronized (this) {
      if (!counted.remove(turn)) {
        waiting.remove(turn);
      }
      came = next(now);
    }
    came.forEach(each -> each.granted.run());
  }

  /** Counts those no more who have been at it for long; whoever waits calls it now and then. */
  void passSlow(long now) {
    ArrayDeque<Turn> came;
    synchronized (this) {
      counted.removeIf(turn -> now - turn.begunNanos >= countedNanos);
      came = next(now);
    }
    came.forEach(each -> each.granted.run());
  }

  private ArrayDeque<Turn> next(long now) {
    ArrayDeque<Turn> came = new ArrayDeque<>();
    while (!waiting.isEmpty() && counted.size() < most) {
      Turn turn = waiting.remove();
      begin(turn, now);
      came.add(turn);
    }
    return came;
  }
}
