package io.mapfs.core.posix;

import java.util.concurrent.atomic.AtomicInteger;

/** An open file descriptor. Whoever opens closes; closing twice is harmless. */
public final class Descriptor implements AutoCloseable {
  private static final int CLOSED = -1;

  private final AtomicInteger number;

  Descriptor(int number) {
    this.number = new AtomicInteger(number);
  }

  /** The descriptor's number; -1, which every call answers with EBADF, once closed. */
  public int number() {
    return number.get();
  }

  /** Closes. An error of close(2) is not told: what must be durable is fsynced first. */
  @Override
  public void close() {
    int open = number.getAndSet(CLOSED);
    if (open != CLOSED) {
      Posix.close(open);
    }
  }
}
