package io.mapfs.core.importer;

import java.util.concurrent.Semaphore;

/** Raw bytes that may be on their way between threads. */
final class ByteBudget extends Semaphore {
  private static final long serialVersionUID = 1L;

  ByteBudget(int bytes) {
    super(bytes);
  }

  /** Takes bytes without waiting; who waits for bytes waits the longer. */
  void overdraw(int bytes) {
    reducePermits(bytes);
  }
}
