package io.mapfs.core.wire;

import java.io.IOException;

/** Received bytes are no message of this protocol, or break one of its bounds. */
public final class MalformedMessageException extends IOException {
  private static final long serialVersionUID = 1L;

  public MalformedMessageException(String message) {
    super(message);
  }

  public MalformedMessageException(String message, Throwable cause) {
    super(message, cause);
  }
}
