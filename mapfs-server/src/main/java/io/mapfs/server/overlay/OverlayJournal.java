package io.mapfs.server.overlay;

import io.mapfs.core.journal.CanonicalOrder;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.MalformedRecordException;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.server.overlay.JournalProtocol.Credit;
import io.mapfs.server.overlay.JournalProtocol.Effect;
import io.mapfs.server.overlay.JournalProtocol.Event;
import io.mapfs.server.overlay.JournalProtocol.Measured;
import io.mapfs.server.overlay.JournalProtocol.State;
import io.mapfs.server.store.Blocks;
import io.mapfs.server.store.Failures;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One overlay's journal at work: steps its protocol, which also rules the lease, writes accepted
 * records, many with one fdatasync, and acknowledges them when they are durable. Safe for
 * concurrent use.
 */
public final class OverlayJournal implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(OverlayJournal.class);

  /** Most bytes of accepted records that wait to be written. */
  private static final long QUEUE_BYTES_MAX = 48L << 20;

  /** Most bytes that are written with one fdatasync. */
  private static final long COMMIT_BYTES_MAX = 16L << 20;

  /** Most journal bytes that wait to be folded; beyond it records wait for the folding. */
  private static final long LAG_BYTES_MAX = 256L << 20;

  /** The journal is tidied up when so many bytes of segments are folded. */
  private static final long JOURNAL_BYTES_TIDY = 8L << 20;

  /** Longest time that accepted records may take to become durable, for whoever needs them. */
  private static final long DURABLE_SECONDS_MAX = 60;

  private final String node;
  private final Blocks blocks;
  private final JournalLog log;
  private final Executor commits;
  private final Runnable whenDurable;
  private final Scale scale;
  private final Object lock = new Object();

  /** All below are protected by {@code lock}. */
  private State state;

  private byte[] durableHash;
  private final Deque<Accepted> queue = new ArrayDeque<>();
  private final Deque<Waiting> waiting = new ArrayDeque<>();
  private long queuedBytes;
  private long lagBytes;
  private boolean commitScheduled;
  private boolean closed;
  private IOException foldFailure;

  /** Why the last record was too much; {@code null} since one was accepted. */
  private String overdrawn;

  /** Works out what a record really adds to the head. */
  @FunctionalInterface
  interface Scale {
    /** Waits until all that is accepted is folded. */
    Measured measure(JournalRecord record) throws ApplianceException;
  }

  private record Accepted(
      JournalRecord record, byte[] encoded, byte[] hash, List<ByteBuffer> pages, long bytes) {}

  private record Waiting(long sequence, CompletableFuture<Message.Appended> acknowledged) {}

  /**
   * On a journal that was found on disk.
   *
   * @param epoch the newest one given out
   * @param position where the rows stand
   * @param grantedBytes most that the overlay may have of its own
   * @param whenDurable run when there is something to fold
   */
  OverlayJournal(
      String node,
      long epoch,
      HeadPosition position,
      long grantedBytes,
      JournalLog log,
      Blocks blocks,
      Executor commits,
      Runnable whenDurable,
      Scale scale) {
    this.node = node;
    this.log = log;
    this.blocks = blocks;
    this.commits = commits;
    this.whenDurable = whenDurable;
    this.scale = scale;
    boolean ahead = log.lastSequence() > position.sequence();
    this.durableHash = ahead ? log.hashAt(log.lastSequence()) : position.hash();
    this.state =
        State.found(
            epoch,
            ahead ? log.lastSequence() : position.sequence(),
            durableHash,
            new Credit(grantedBytes, ahead ? Credit.UNKNOWN : position.usedBytes()));
    this.lagBytes = log.bytesAfter(position.sequence());
  }

  State state() {
    synchronized (lock) {
      return state;
    }
  }

  /** Where it stands: the epoch, and the last durable record with its hash. */
  record Durable(long epoch, long sequence, byte[] hash) {}

  Durable durable() {
    synchronized (lock) {
      return new Durable(state.epoch(), state.durableSequence(), durableHash);
    }
  }

  boolean isClosed() {
    synchronized (lock) {
      return closed;
    }
  }

  // ---- the protocol ----

  /** Steps the protocol; the effects are the caller's to carry out. */
  List<Effect> step(Event event) {
    synchronized (lock) {
      return stepLocked(event);
    }
  }

  /** Steps the protocol for a client. */
  List<Effect> request(Event event) throws ApplianceException {
    List<Effect> effects;
    synchronized (lock) {
      if (closed) {
        throw new ApplianceException(
            FailureCode.UNAVAILABLE, "the overlay of " + node + " is closed: try again");
      }
      effects = stepLocked(event);
    }
    for (Effect effect : effects) {
      if (effect instanceof Effect.Refuse refuse) {
        throw new ApplianceException(refuse.code(), node + " " + refuse.message());
      }
    }
    return effects;
  }

  private List<Effect> stepLocked(Event event) {
    JournalProtocol.Step step = JournalProtocol.step(state, event);
    state = step.state();
    return step.effects();
  }

  /** Waits until no accepted record is on its way to the disk. */
  void awaitDurable() throws ApplianceException {
    long deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(DURABLE_SECONDS_MAX);
    synchronized (lock) {
      while (state.sequence() != state.durableSequence()) {
        long left = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
        if (left <= 0) {
          throw new ApplianceException(
              FailureCode.UNAVAILABLE,
              "records of " + node + " are still being written: look at the appliance's disk");
        }
        try {
          lock.wait(left);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new ApplianceException(
              FailureCode.UNAVAILABLE, "the appliance is shutting down", e);
        }
      }
    }
  }

  // ---- records ----

  /** Accepts or refuses a record; its pages are the overlay's until the future is done. */
  public CompletableFuture<Message.Appended> append(
      long number, JournalRecord record, List<ByteBuffer> pages) {
    byte[] encoded = RecordCodec.encode(record);
    byte[] hash = RecordCodec.hash(ByteBuffer.wrap(encoded));
    try {
      requireCanonical(record);
      RecordCodec.verifyPages(record.changes(), pages);
    } catch (MalformedRecordException e) {
      return CompletableFuture.failedFuture(
          new ApplianceException(
              FailureCode.CORRUPT, node + ": record " + record.sequence() + ": " + e.getMessage()));
    }
    long bytes = encoded.length;
    for (ByteBuffer page : pages) {
      bytes += page.remaining();
    }
    Accepted arrived = new Accepted(record, encoded, hash, pages, bytes);
    try {
      CompletableFuture<Message.Appended> acknowledged = offer(number, arrived, null);
      while (acknowledged == null) {
        acknowledged = offer(number, arrived, scale.measure(record));
      }
      return acknowledged;
    } catch (ApplianceException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /**
   * Accepts or refuses a record.
   *
   * @return {@code null} if it must be measured before
   */
  private CompletableFuture<Message.Appended> offer(
      long number, Accepted arrived, Measured measured) throws ApplianceException {
    JournalRecord record = arrived.record();
    CompletableFuture<Message.Appended> acknowledged = new CompletableFuture<>();
    synchronized (lock) {
      if (closed || queuedBytes > QUEUE_BYTES_MAX || (foldFailure != null && isLaggingLocked())) {
        throw overloadedLocked();
      }
      for (Effect effect :
          stepLocked(
              new Event.Append(
                  number,
                  record.epoch(),
                  record.sequence(),
                  record.previousHash(),
                  arrived.hash(),
                  standingHashLocked(record.sequence()),
                  RecordUse.mostBytes(record),
                  measured))) {
        if (effect instanceof Effect.Refuse refuse) {
          if (refuse.code() == FailureCode.NO_SPACE) {
            overdrawnLocked(refuse.message());
          }
          throw new ApplianceException(refuse.code(), node + ": " + refuse.message());
        } else if (effect instanceof Effect.Measure) {
          return null;
        } else if (effect instanceof Effect.Write) {
          overdrawn = null;
          queue.add(arrived);
          queuedBytes += arrived.bytes();
          waiting.add(new Waiting(record.sequence(), acknowledged));
          scheduleCommitLocked();
        } else if (effect instanceof Effect.AwaitDurable await) {
          if (await.sequence() <= state.durableSequence()) {
            acknowledged.complete(new Message.Appended(await.sequence()));
          } else {
            waiting.add(new Waiting(await.sequence(), acknowledged));
          }
        }
      }
    }
    return acknowledged;
  }

  /** The node does not keep to what it was granted; told once, whatever it sends. */
  private void overdrawnLocked(String message) {
    if (overdrawn == null) {
      LOG.warn("{}: the node does not keep to its quota: {}", node, message);
    }
    overdrawn = message;
  }

  /** What is accepted must be readable again, or the overlay could never be folded. */
  static void requireCanonical(JournalRecord record) throws MalformedRecordException {
    List<Change> changes = record.changes();
    for (int i = 1; i < changes.size(); i++) {
      if (CanonicalOrder.INSTANCE.compare(changes.get(i - 1), changes.get(i)) >= 0) {
        throw new MalformedRecordException("its changes are not in canonical order");
      }
    }
  }

  private ApplianceException overloadedLocked() {
    return new ApplianceException(
        FailureCode.UNAVAILABLE,
        foldFailure == null
            ? node + ": too many records wait for the appliance's disk; send them again"
            : node + ": the appliance cannot work off the journal: " + foldFailure.getMessage());
  }

  private byte[] standingHashLocked(long sequence) {
    if (sequence > state.sequence()) {
      return null;
    }
    for (Accepted accepted : queue) {
      if (accepted.record().sequence() == sequence) {
        return accepted.hash();
      }
    }
    return sequence == state.sequence() ? state.hash() : log.hashAt(sequence);
  }

  private boolean isLaggingLocked() {
    return lagBytes > LAG_BYTES_MAX;
  }

  private void scheduleCommitLocked() {
    if (!commitScheduled && !queue.isEmpty() && !isLaggingLocked()) {
      commitScheduled = true;
      commits.execute(Commit.of(queuedBytes, System.nanoTime(), this::commit));
    }
  }

  /** Writes what is queued with one sync, acknowledges it, and goes on while there is more. */
  private void commit() {
    List<Accepted> batch = new ArrayList<>();
    long durable;
    long bytes = 0;
    synchronized (lock) {
      durable = state.durableSequence();
      while (!queue.isEmpty() && bytes < COMMIT_BYTES_MAX) {
        Accepted accepted = queue.poll();
        bytes += accepted.bytes();
        batch.add(accepted);
      }
    }
    try {
      write(batch, durable);
    } catch (IOException | RuntimeException e) {
      writeFailed(e);
      return;
    }
    List<Waiting> done = new ArrayList<>();
    synchronized (lock) {
      Accepted last = batch.get(batch.size() - 1);
      queuedBytes -= bytes;
      lagBytes += bytes;
      durableHash = last.hash();
      for (Effect effect : stepLocked(new Event.RecordsDurable(last.record().sequence()))) {
        if (effect instanceof Effect.Acknowledge acknowledge) {
          takeWaitingLocked(acknowledge.throughSequence(), done);
        }
      }
      commitScheduled = false;
      scheduleCommitLocked();
      lock.notifyAll();
    }
    whenDurable.run();
    for (Waiting acknowledged : done) {
      acknowledged.acknowledged().complete(new Message.Appended(acknowledged.sequence()));
    }
  }

  private void takeWaitingLocked(long through, List<Waiting> done) {
    waiting.removeIf(
        entry -> {
          boolean acknowledged = entry.sequence() <= through;
          if (acknowledged) {
            done.add(entry);
          }
          return acknowledged;
        });
  }

  private void write(List<Accepted> batch, long durable) throws IOException {
    boolean namesBlocks = false;
    for (Accepted accepted : batch) {
      log.write(accepted.record(), accepted.encoded(), accepted.hash(), accepted.pages(), durable);
      for (Change change : accepted.record().changes()) {
        namesBlocks |= change instanceof Change.PutBlock put && put.id() != null;
      }
    }
    if (namesBlocks) {
      blocks.sync();
    }
    log.sync();
  }

  /** Nothing past the durable records stands; everyone who waits for more is told. */
  private void writeFailed(Exception failure) {
    LOG.warn("{}: cannot write the journal", node, failure);
    List<Waiting> refused;
    synchronized (lock) {
      try {
        log.cutAfter(state.durableSequence());
      } catch (IOException e) {
        // The tail cannot even be cut off: nothing more is accepted until the store is reopened.
        failure.addSuppressed(e);
        closed = true;
      }
      stepLocked(new Event.WriteFailed(durableHash));
      refused = new ArrayList<>(waiting);
      waiting.clear();
      queue.clear();
      queuedBytes = 0;
      commitScheduled = false;
      lock.notifyAll();
    }
    IOException cause =
        failure instanceof IOException io ? io : new IOException(failure.toString(), failure);
    ApplianceException answer = Failures.of("cannot write the journal of " + node, cause);
    for (Waiting waiter : refused) {
      waiter.acknowledged().completeExceptionally(answer);
    }
  }

  // ---- folding ----

  /** A durable record, to be folded. */
  JournalLog.Stored read(long sequence) throws IOException {
    return log.read(sequence);
  }

  /** Records of so many bytes were folded: others may follow. */
  void folded(long bytes, HeadPosition position) {
    synchronized (lock) {
      foldFailure = null;
      stepLocked(new Event.Folded(position.sequence(), position.usedBytes()));
      lagBytes = Math.max(0, lagBytes - bytes);
      scheduleCommitLocked();
    }
  }

  void foldFailed(IOException failure) {
    synchronized (lock) {
      foldFailure = failure;
    }
  }

  /** Whether so much is folded that it is worth a flush to drop it ({@link #dropThrough}). */
  boolean isUntidy(long foldedSequence) {
    return log.bytesThrough(foldedSequence) > JOURNAL_BYTES_TIDY;
  }

  /** Drops segments of which everything is in rows that no power cut can take back. */
  void dropThrough(long foldedSequence) throws IOException {
    log.dropThrough(foldedSequence);
  }

  /** The head moved on by other means than a record; what is here was folded before. */
  void forwarded(HeadPosition moved) throws IOException {
    log.clear();
    synchronized (lock) {
      durableHash = moved.hash();
      lagBytes = 0;
      stepLocked(new Event.Forwarded(moved.sequence(), moved.hash()));
      stepLocked(new Event.Folded(moved.sequence(), moved.usedBytes()));
    }
  }

  /** Why the journal cannot be folded, or takes no more; {@code null} if all is well. */
  public String fault() {
    synchronized (lock) {
      return foldFailure == null ? overdrawn : foldFailure.getMessage();
    }
  }

  /** Bytes that are not folded yet. */
  public long lagBytes() {
    synchronized (lock) {
      return lagBytes;
    }
  }

  /** Records that wait are not acknowledged. */
  @Override
  public void close() throws IOException {
    synchronized (lock) {
      closed = true;
    }
    log.close();
  }
}
