package io.mapfs.fuse.kernel;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Brings interrupts to the requests that they are for. An INTERRUPT may be read before its request
 * is, or by another thread just before the request is registered; it is then kept, a bounded number
 * of them, until the request begins. Request numbers are never used twice.
 *
 * <p>The kernel sends one for any signal, but only a signal that kills interrupts a request: no
 * program expects EINTR of a file on a disk.
 */
public final class Interrupts {
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

  /** Those of all threads that serve. */
  private final CopyOnWriteArrayList<Interruption> threads = new CopyOnWriteArrayList<>();

  private final SignalledRequests signalled = new SignalledRequests(Callers::isDying);

  /** Adds that of a thread that will serve. */
  public void add(Interruption thread) {
    threads.add(thread);
  }

  /** Takes out that of a thread that serves no more. */
  public void remove(Interruption thread) {
    threads.remove(thread);
  }

  /** Marks a request that has just begun if its interrupt came first. */
  public void begun(Interruption thread, long unique) {
    if (someEarly) {
      boolean interrupted;
      synchronized (early) {
        interrupted = early.remove(unique) != null;
        someEarly = !early.isEmpty();
      }
      if (interrupted) {
        deliver(thread, unique);
      }
    }
  }

  /** Interrupts the request of that number; false if none of the threads serves it now. */
  public boolean interrupt(long unique) {
    if (deliver(unique)) {
      return true;
    }
    synchronized (early) {
      early.put(unique, true);
      someEarly = true;
    }
    // It may have begun between the two: whoever comes second sees the other's trace.
    return deliver(unique);
  }

  private boolean deliver(long unique) {
    for (Interruption thread : threads) {
      if (deliver(thread, unique)) {
        return true;
      }
    }
    return false;
  }

  private boolean deliver(Interruption thread, long unique) {
    int caller = thread.caller(unique);
    if (caller == Interruption.NO_CALLER) {
      return false;
    }
    signalled.add(thread, unique, caller);
    return true;
  }
}
