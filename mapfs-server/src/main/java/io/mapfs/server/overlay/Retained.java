package io.mapfs.server.overlay;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * The sequences of an overlay that can still be read besides the newest: its snapshots, and pins
 * (the sequence at which a lease was granted, or that someone is reading right now). A version of a
 * row that none of them sees may go. Safe for concurrent use; a sequence is added by a holder of
 * the overlay's fold lock (or it could go at that moment), and removed by anybody.
 */
final class Retained {
  private final TreeMap<Long, Integer> sequences = new TreeMap<>();
  private final Map<Object, Long> pins = new HashMap<>();

  /** Whether blocks that records named are kept although superseded: their node may read on. */
  private boolean keepsNamed;

  synchronized void add(long sequence) {
    sequences.merge(sequence, 1, Integer::sum);
  }

  synchronized void remove(long sequence) {
    sequences.computeIfPresent(sequence, (key, count) -> count == 1 ? null : count - 1);
  }

  /** Pins a sequence for an owner, whose earlier pin goes. */
  synchronized void pin(Object owner, long sequence) {
    unpin(owner);
    pins.put(owner, sequence);
    add(sequence);
  }

  /** Returns whether there was a pin. */
  synchronized boolean unpin(Object owner) {
    Long sequence = pins.remove(owner);
    if (sequence != null) {
      remove(sequence);
    }
    return sequence != null;
  }

  synchronized boolean isPinned(Object owner, long sequence) {
    return pins.getOrDefault(owner, -1L) == sequence;
  }

  synchronized void keepNamed(boolean keep) {
    keepsNamed = keep;
  }

  /** Whether a version written at {@code from} and superseded at {@code until} is still needed. */
  synchronized boolean needs(Row row, long from, long until) {
    if (keepsNamed && row instanceof Row.Block block && block.named()) {
      return true;
    }
    Long next = sequences.ceilingKey(from);
    return next != null && next < until;
  }
}
