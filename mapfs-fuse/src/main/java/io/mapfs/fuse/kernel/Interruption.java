package io.mapfs.fuse.kernel;

/**
 * Whether the request that a thread serves was interrupted. A serving thread has one, used again
 * for each of its requests; only {@link #interrupt} may be called by others.
 */
public final class Interruption {
  private static final long NO_REQUEST = 0;

  /** The request that interrupts are for; guarded by this. */
  private long unique = NO_REQUEST;

  /** Guarded by this. */
  private Runnable action;

  private volatile boolean interrupted;

  /** A request of that number begins. */
  public synchronized void begin(long newUnique) {
    interrupted = false;
    unique = newUnique;
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

  /**
   * Marks the request of that number as interrupted and wakes it. The action runs outside of the
   * lock; where the request ends meanwhile, it wakes nobody.
   *
   * @return false if another request is being served
   */
  boolean interrupt(long target) {
    Runnable toRun;
    synchronized (this) {
      if (unique != target) {
        return false;
      }
      interrupted = true;
      toRun = action;
      action = null;
    }
    if (toRun != null) {
      toRun.run();
    }
    return true;
  }
}
