package io.mapfs.fuse.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Requests whose callers had a signal that did not kill them. They go on, as on a local disk; but
 * the kernel tells of a request's first signal only, so that their callers are looked at again and
 * again, until they are killed or answered.
 */
final class SignalledRequests {
  private static final long INTERVAL_MILLIS = 100;

  private record Signalled(Interruption thread, long unique) {}

  private final IntPredicate isDying;

  /** Guarded by this. */
  private final List<Signalled> requests = new ArrayList<>();

  /** Whether a thread looks at them; guarded by this. */
  private boolean watched;

  SignalledRequests(IntPredicate isDying) {
    this.isDying = isDying;
  }

  /** Interrupts the request that the thread serves, now or once its caller is killed. */
  void add(Interruption thread, long unique, int caller) {
    if (isDying.test(caller)) {
      thread.interrupt(unique);
      return;
    }
    synchronized (this) {
      requests.add(new Signalled(thread, unique));
      if (!watched) {
        watched = true;
        Thread watcher = new Thread(this::watch, "fuse-signalled");
        watcher.setDaemon(true);
        watcher.start();
      }
    }
  }

  /** Ends when there are none left. */
  private void watch() {
    do {
      try {
        Thread.sleep(INTERVAL_MILLIS);
      } catch (InterruptedException e) {
        throw new IllegalStateException("nobody interrupts this thread", e);
      }
    } while (look());
  }

  private synchronized boolean look() {
    requests.removeIf(
        request -> {
          int caller = request.thread().caller(request.unique());
          if (caller == Interruption.NO_CALLER) {
            return true;
          }
          boolean dying = isDying.test(caller);
          if (dying) {
            request.thread().interrupt(request.unique());
          }
          return dying;
        });
    watched = !requests.isEmpty();
    return watched;
  }
}
