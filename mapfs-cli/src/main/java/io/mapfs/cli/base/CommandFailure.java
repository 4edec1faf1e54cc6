package io.mapfs.cli.base;

import io.mapfs.core.wire.FailureCode;

/** A command cannot do what was asked. The message is one line: what, where, what to do. */
public final class CommandFailure extends Exception {
  private static final long serialVersionUID = 1L;

  private final FailureCode code;

  public CommandFailure(FailureCode code, String message) {
    this(code, message, null);
  }

  public CommandFailure(FailureCode code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public FailureCode code() {
    return code;
  }
}
