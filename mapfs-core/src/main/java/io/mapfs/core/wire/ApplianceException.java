package io.mapfs.core.wire;

/**
 * A request that the appliance refused, or that could not reach it. The message is one line for
 * people: what, where, what to do.
 */
public final class ApplianceException extends Exception {
  private static final long serialVersionUID = 1L;

  private final FailureCode code;

  public ApplianceException(FailureCode code, String message) {
    this(code, message, null);
  }

  public ApplianceException(FailureCode code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public FailureCode code() {
    return code;
  }
}
