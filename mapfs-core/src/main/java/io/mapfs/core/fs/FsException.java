package io.mapfs.core.fs;

/**
 * A filesystem operation's expected failure: an errno and what it was about.
 *
 * <p>Carries no stack trace: it is an answer, made on hot paths, and not a fault.
 */
public final class FsException extends Exception {
  private static final long serialVersionUID = 1L;

  private final Errno errno;

  public FsException(Errno errno, String context) {
    this(errno, context, null);
  }

  /** An answer that a lower-level fault forced; the fault is kept for the log. */
  public FsException(Errno errno, String context, Throwable cause) {
    super(errno + ": " + context, cause, false, false);
    this.errno = errno;
  }

  public Errno errno() {
    return errno;
  }
}
