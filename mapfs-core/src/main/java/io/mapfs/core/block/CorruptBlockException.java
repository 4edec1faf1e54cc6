package io.mapfs.core.block;

import java.io.IOException;

/** Stored bytes are not what was written: says where, and what to do. */
public final class CorruptBlockException extends IOException {
  private static final long serialVersionUID = 1L;

  public CorruptBlockException(String message) {
    super(message);
  }
}
