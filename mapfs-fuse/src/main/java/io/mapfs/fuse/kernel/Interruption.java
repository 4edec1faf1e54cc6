package io.mapfs.fuse.kernel;

/**
 * Whether the request that a thread serves was interrupted. A serving thread has one, used again
 * for each of its requests; only {@link #interrupt} may be called by others.
 */
public final class Interruption {
  /** Stands for the caller of a request that is not being served. */
  static final int NO_CALLER = -1;

  private static final long NO_REQUEST = 0;

  /** The request that interrupts are for; guarded by this. */
  private long unique = NO_REQUEST;

  /** The thread that made it; guarded by this. */
  private int caller;

  /** Guarded by this. */
  private Runnable action;

  private volatile boolean interrupted;

  /** A request of that number begins, made by that thread (0: by the kernel itself). */
  public synchronized void begin(long newUnique, int newCaller) {
    interrupted = false;
    unique = newUnique;
    caller = newCaller;
  }

  /** It ends: interrupts that come later find nothing. */
  public synchronized void end() {
    unique = NO_REQUEST;
    action = null;
  }

  /** As {@link io.mapfs.core.fs.RequestContext#isInterrupted}. */
  public boolean isInterrupted() {
    return interrupted;
  }

  /** As {@link io.mapfs.core.fs.RequestContext#onInterrupt}. */
  public void onInterrupt(Runnable newAction) {
    boolean late;
    synchronized (this) {
      late = interrupted && newAction != null;
      action = late ? null : newAction;
    }
    if (late) {
      newAction.run();
    }
  }

  /** Who made the request of that number; {@link #NO_CALLER} if another is being served. */
  synchronized int caller(long target) {
    return unique == target ? caller : NO_CALLER;
  }

  /**
   * Marks the request of that number as interrupted and wakes it. The action runs outside of the
   * lock; where the request ends meanwhile, it wakes nobody.
   */
  void interrupt(long target) {
    Runnable toRun;
    synchronized (this) {
      if (unique != target) {
        return;
      }
      interrupted = true;
      toRun = action;
      action = null;
    }
    if (toRun != null) {
      toRun.run();
    }
  }
}
