package io.mapfs.core.overlay;

import java.io.IOException;

/**
 * The overlay's lease is gone: the appliance will accept no more records of this epoch. Sending
 * again is of no use; what was not acknowledged stays in the local journal.
 */
public final class FencedException extends IOException {
  private static final long serialVersionUID = 1L;

  public FencedException(String message) {
    super(message);
  }
}
