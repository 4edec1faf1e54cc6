package io.mapfs.server.store;

import io.mapfs.core.block.CorruptBlockException;
import io.mapfs.core.journal.MalformedRecordException;
import io.mapfs.core.kv.DamagedStoreException;
import io.mapfs.core.snapshot.ManifestFormatException;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import java.io.IOException;

/** What a failing disk means to a client. */
public final class Failures {
  private Failures() {}

  /** The answer to a request during which this happened. */
  public static ApplianceException of(String what, IOException e) {
    return new ApplianceException(
        code(e), e instanceof LockedException ? e.getMessage() : what + ": " + e.getMessage(), e);
  }

  private static FailureCode code(IOException e) {
    if (e instanceof CorruptBlockException
        || e instanceof DamagedStoreException
        || e instanceof MalformedRecordException
        || e instanceof ManifestFormatException) {
      return FailureCode.CORRUPT;
    }
    if (e instanceof LockedException) {
      return FailureCode.UNAVAILABLE;
    }
    // Java has no type for ENOSPC; the kernel's words (strerror) are all there is.
    String message = String.valueOf(e.getMessage());
    return message.contains("No space left on device") || message.contains("no space left")
        ? FailureCode.NO_SPACE
        : FailureCode.INTERNAL;
  }
}
