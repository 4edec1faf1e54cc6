package io.mapfs.core.overlay;

import io.mapfs.core.journal.Change;
import java.util.concurrent.TimeUnit;

/**
 * How many bytes of pages may wait for the appliance's acknowledgement before writers wait.
 *
 * <p>An fsync waits for all that was written before it. While programs commit, the backlog is held
 * to what the appliance acknowledges in {@link #COMMIT_BACKLOG_NANOS}, so that a database does not
 * wait behind a bulk copy of another program, which then goes at the link's rate. While nobody
 * commits, it may grow to the configured limit, and a burst is taken at the local disk's rate.
 *
 * <p>Everything that was let in counts, in whatever state it is: else each of the many requests
 * that wait at a time would find the same room. What is small does not wait behind what is large.
 *
 * <p>Times are nanoseconds of {@link System#nanoTime}. Not safe for concurrent use.
 */
final class BacklogLimit {
  /** A commit keeps the backlog short for so long. */
  private static final long COMMITS_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** What a commit may find before it. */
  private static final long COMMIT_BACKLOG_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** The rate is taken over at least as long. */
  private static final long SAMPLE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** Keeps the line busy between two records, whatever its rate seems to be. */
  private static final long COMMIT_BYTES_MIN = 8L << 20;

  /** What is written by a program that commits, rather than by one that copies. */
  private static final int SMALL_BYTES_MAX = 64 << 10;

  /** What is small may find so much more before it. */
  private static final int SMALL_FACTOR = 2;

  /**
   * What may wait is in so many batches at least, so that the line has work and room comes back.
   */
  private static final int BATCHES = 4;

  private final long bytesMax;
  private boolean committed;
  private long lastCommit;
  private double bytesPerNano;

  /** Whether acknowledgements are being counted: only while the line was never idle. */
  private boolean sampling;

  private long sampleBegin;
  private long sampleBytes;

  BacklogLimit(long bytesMax) {
    this.bytesMax = bytesMax;
  }

  /** Somebody waits for all before to be durable. */
  void commit(long now) {
    committed = true;
    lastCommit = now;
  }

  /**
   * Pages were acknowledged.
   *
   * @param pagesLeft how many still wait
   */
  void acknowledged(int pages, long pagesLeft, long now) {
    if (sampling) {
      sampleBytes += (long) pages * Change.PAGE_BYTES;
      long nanos = now - sampleBegin;
      if (nanos < SAMPLE_NANOS && pagesLeft > 0) {
        return;
      }
      if (nanos >= SAMPLE_NANOS) {
        double sample = (double) sampleBytes / nanos;
        bytesPerNano = bytesPerNano == 0 ? sample : (bytesPerNano + sample) / 2;
      }
    }
    sampling = pagesLeft > 0;
    sampleBegin = now;
    sampleBytes = 0;
  }

  /** Bytes that may wait. */
  long bytes(long now) {
    if (!committed || now - lastCommit > COMMITS_NANOS) {
      return bytesMax;
    }
    long inTime = (long) (bytesPerNano * COMMIT_BACKLOG_NANOS);
    return Math.min(bytesMax, Math.max(COMMIT_BYTES_MIN, inTime));
  }

  /**
   * Whether a writer may go on.
   *
   * @param backlogBytes what was let in before
   * @param bytes what it writes; 0 for a change of something else
   */
  boolean admits(long backlogBytes, int bytes, long now) {
    long limit = bytes(now);
    if (bytes <= SMALL_BYTES_MAX) {
      limit = Math.min(bytesMax, SMALL_FACTOR * limit);
    }
    // Whatever it writes: less than this may be in a batch that nobody cuts.
    return backlogBytes < limit / BATCHES || backlogBytes + bytes <= limit;
  }

  /** Whether a batch of so many bytes is not to wait for more. */
  boolean fillsBatch(long bytes, long now) {
    return bytes >= bytes(now) / BATCHES;
  }
}
