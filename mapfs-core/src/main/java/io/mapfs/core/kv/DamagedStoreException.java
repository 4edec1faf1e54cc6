package io.mapfs.core.kv;

import java.io.IOException;

/** A store whose files are not as they were written: checksums do not match, files are missing. */
public final class DamagedStoreException extends IOException {
  private static final long serialVersionUID = 1L;

  public DamagedStoreException(String message, Throwable cause) {
    super(message, cause);
  }
}
