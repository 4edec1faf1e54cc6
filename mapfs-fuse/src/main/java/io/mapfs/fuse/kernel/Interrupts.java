package io.mapfs.fuse.kernel;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Brings interrupts to the requests that they are for. An INTERRUPT may be read before its request
 * is, or by another thread just before the request is registered; it is then kept, a bounded number
 * of them, until the request begins. Request numbers are never used twice.
 */
final class Interrupts {
  private static final int EARLY_MAX = 256;

  /** Guarded by itself; eldest first. */
  private final Map<Long, Boolean> early =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Boolean> eldest) {
          return size() > EARLY_MAX;
        }
      };

  /** Whether {@code early} may have entries: spares every other request the lock. */
  private volatile boolean someEarly;

  /** Marks a request that has just begun if its interrupt came first. */
  void begin(Exchange exchange) {
    if (someEarly) {
      boolean interrupted;
      synchronized (early) {
        interrupted = early.remove(exchange.unique()) != null;
        someEarly = !early.isEmpty();
      }
      if (interrupted) {
        exchange.interrupt(exchange.unique());
      }
    }
  }

  /** Interrupts the request of that number; false if none of the threads serves it now. */
  boolean interrupt(Iterable<Exchange> exchanges, long unique) {
    if (deliver(exchanges, unique)) {
      return true;
    }
    synchronized (early) {
      early.put(unique, true);
      someEarly = true;
    }
    // It may have begun between the two: whoever comes second sees the other's trace.
    return deliver(exchanges, unique);
  }

  private static boolean deliver(Iterable<Exchange> exchanges, long unique) {
    for (Exchange exchange : exchanges) {
      if (exchange.interrupt(unique)) {
        return true;
      }
    }
    return false;
  }
}
