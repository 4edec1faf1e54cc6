package io.mapfs.core.journal;

import java.io.IOException;

/** Bytes are not an encoding of what they should be; the message says where they go wrong. */
public final class MalformedRecordException extends IOException {
  private static final long serialVersionUID = 1L;

  public MalformedRecordException(String message) {
    super(message);
  }
}
