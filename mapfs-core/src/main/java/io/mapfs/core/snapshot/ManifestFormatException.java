package io.mapfs.core.snapshot;

import java.io.IOException;

/** A manifest is not what was signed, or not one: says which line, in one line. */
public final class ManifestFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  public ManifestFormatException(String message) {
    super(message);
  }

  ManifestFormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
