package io.mapfs.core.importer;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/** Waits for other threads' results and passes their failures on as they are. */
final class Futures {
  private Futures() {}

  static <T> T get(Future<T> future) throws ImportException, InterruptedException {
    try {
      return future.get();
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof ImportException known) {
        throw known;
      }
      if (cause instanceof InterruptedException) {
        throw (InterruptedException) new InterruptedException("interrupted").initCause(cause);
      }
      throw new IllegalStateException("an import thread failed", cause);
    }
  }
}
