package io.mapfs.core.fs;

/** A caller that can be interrupted by the test. */
public class TestContext implements RequestContext {
  private final int uid;
  private final int gid;
  private final int umask;
  private boolean interrupted;
  private Runnable action;

  public TestContext(int uid, int gid, int umask) {
    this.uid = uid;
    this.gid = gid;
    this.umask = umask;
  }

  /** Root, with a umask of 0. */
  public static TestContext root() {
    return new TestContext(0, 0, 0);
  }

  @Override
  public int uid() {
    return uid;
  }

  @Override
  public int gid() {
    return gid;
  }

  @Override
  public int pid() {
    return 0;
  }

  @Override
  public int umask() {
    return umask;
  }

  @Override
  public synchronized boolean isInterrupted() {
    return interrupted;
  }

  @Override
  public synchronized void onInterrupt(Runnable action) {
    this.action = action;
    if (interrupted && action != null) {
      action.run();
    }
  }

  /** What FUSE_INTERRUPT does. */
  public synchronized void interrupt() {
    interrupted = true;
    if (action != null) {
      action.run();
    }
  }
}
