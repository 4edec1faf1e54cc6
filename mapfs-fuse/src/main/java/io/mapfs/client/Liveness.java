package io.mapfs.client;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Whether the other end shows signs of life. Every byte is one. Silence is what was watched, look
 * by look: time in which this process did not run, or had no thread that listened, says nothing
 * about the other end, whose bytes may be here unread.
 *
 * <p>{@link #look} is for one thread, the others for the one that listens.
 */
final class Liveness {
  /** Looks until the other end is asked for a sign of life, and again as many to give it up. */
  private static final int LOOKS = 4;

  /** What a look found. */
  enum Verdict {
    ALIVE,
    /** It has been silent for so long that it is to be asked; said once until it is heard. */
    ASK,
    /** It was asked and stayed silent for as long again. */
    DEAD
  }

  private final long keepAliveNanos;
  private final AtomicLong heard = new AtomicLong();
  private volatile boolean listening;
  private long heardBefore;
  private long lookedNanos;
  private long silentNanos;

  /** {@link #silentNanos} when the other end was asked; -1 while it was not. */
  private long askedAtNanos = -1;

  /**
   * @param nowNanos as of {@link System#nanoTime}
   */
  Liveness(long keepAliveNanos, long nowNanos) {
    this.keepAliveNanos = keepAliveNanos;
    this.lookedNanos = nowNanos;
  }

  /** A thread begins to wait for bytes. */
  void listen() {
    listening = true;
  }

  /** Bytes came, or the end; they are looked at now, and nobody listens meanwhile. */
  void heard() {
    listening = false;
    heard.incrementAndGet();
  }

  /** How long after a look the next is due. */
  long lookAgainNanos() {
    return Math.max(1, keepAliveNanos / LOOKS);
  }

  Verdict look(long nowNanos) {
    // Late by more than a look's time: this process was kept from running.
    long watchedNanos = Math.min(nowNanos - lookedNanos, 2 * lookAgainNanos());
    lookedNanos = nowNanos;
    long heardNow = heard.get();
    if (heardNow != heardBefore || !listening) {
      heardBefore = heardNow;
      silentNanos = 0;
      askedAtNanos = -1;
      return Verdict.ALIVE;
    }
    silentNanos += watchedNanos;
    if (askedAtNanos < 0) {
      if (silentNanos < keepAliveNanos) {
        return Verdict.ALIVE;
      }
      askedAtNanos = silentNanos;
      return Verdict.ASK;
    }
    return silentNanos - askedAtNanos < keepAliveNanos ? Verdict.ALIVE : Verdict.DEAD;
  }

  /** How long the other end has been silent, as far as it was watched. */
  long silentNanos() {
    return silentNanos;
  }
}
