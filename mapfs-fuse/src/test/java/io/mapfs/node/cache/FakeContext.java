package io.mapfs.node.cache;

import io.mapfs.core.fs.RequestContext;

/** A caller that can be interrupted. */
final class FakeContext implements RequestContext {
  private boolean interrupted;
  private Runnable action;

  void interrupt() {
    Runnable run;
    synchronized (this) {
      interrupted = true;
      run = action;
    }
    if (run != null) {
      run.run();
    }
  }

  @Override
  public int uid() {
    return 0;
  }

  @Override
  public int gid() {
    return 0;
  }

  @Override
  public int pid() {
    return 1;
  }

  @Override
  public int umask() {
    return 0;
  }

  @Override
  public synchronized boolean isInterrupted() {
    return interrupted;
  }

  @Override
  public void onInterrupt(Runnable toRun) {
    boolean now;
    synchronized (this) {
      action = toRun;
      now = interrupted && toRun != null;
    }
    if (now) {
      toRun.run();
    }
  }
}
