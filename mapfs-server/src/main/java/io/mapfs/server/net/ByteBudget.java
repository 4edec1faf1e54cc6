package io.mapfs.server.net;

import java.util.ArrayDeque;

/**
 * Heap that received payloads may take, all connections together. Who finds none waits its turn,
 * first come, first served.
 */
final class ByteBudget {
  private final long capacityBytes;
  private final ArrayDeque<Waiter> waiters = new ArrayDeque<>();
  private long freeBytes;

  /** One that waits; compared by identity. */
  static final class Waiter {
    private final int bytes;
    private final Runnable granted;

    private Waiter(int bytes, Runnable granted) {
      this.bytes = bytes;
      this.granted = granted;
    }
  }

  /**
   * @param capacityBytes at least the largest payload
   */
  ByteBudget(long capacityBytes) {
    this.capacityBytes = capacityBytes;
    this.freeBytes = capacityBytes;
  }

  /**
   * Takes bytes.
   *
   * @param granted run, on the thread that gave bytes back, once they are the caller's
   * @return {@code null} if they are the caller's at once
   */
  synchronized Waiter take(int bytes, Runnable granted) {
    if (waiters.isEmpty() && freeBytes >= bytes) {
      freeBytes -= bytes;
      return null;
    }
    Waiter waiter = new Waiter(bytes, granted);
    waiters.add(waiter);
    return waiter;
  }

  /** Gives bytes back. */
  void release(int bytes) {
    ArrayDeque<Waiter> served = new ArrayDeque<>();
    synchronized (this) {
      freeBytes += bytes;
      if (freeBytes > capacityBytes) {
        throw new IllegalStateException("more bytes given back than were taken");
      }
      serveLocked(served);
    }
    served.forEach(waiter -> waiter.granted.run());
  }

  private void serveLocked(ArrayDeque<Waiter> served) {
    while (!waiters.isEmpty() && waiters.peek().bytes <= freeBytes) {
      Waiter waiter = waiters.remove();
      freeBytes -= waiter.bytes;
      served.add(waiter);
    }
  }

  /** Gives up waiting; false if the bytes were granted, and so have to be given back. */
  boolean abandon(Waiter waiter) {
    ArrayDeque<Waiter> served = new ArrayDeque<>();
    boolean waited;
    synchronized (this) {
      waited = waiters.remove(waiter);
      serveLocked(served); // those behind it may be content with less
    }
    served.forEach(each -> each.granted.run());
    return waited;
  }

  synchronized long freeBytes() {
    return freeBytes;
  }
}
