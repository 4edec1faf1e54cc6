package io.mapfs.core.overlay;

import io.mapfs.core.fs.RequestContext;

/** The daemon itself: no caller, never interrupted. */
public final class NoContext implements RequestContext {
  public static final NoContext INSTANCE = new NoContext();

  private NoContext() {}

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
    return 0;
  }

  @Override
  public int umask() {
    return 0;
  }

  @Override
  public boolean isInterrupted() {
    return false;
  }

  @Override
  public void onInterrupt(Runnable action) {
    // Nobody interrupts the daemon.
  }
}
