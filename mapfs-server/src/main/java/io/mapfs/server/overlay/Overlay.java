package io.mapfs.server.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.journal.CanonicalOrder;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.MalformedRecordException;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.server.Session;
import io.mapfs.server.overlay.JournalProtocol.Effect;
import io.mapfs.server.overlay.JournalProtocol.Event;
import io.mapfs.server.overlay.JournalProtocol.State;
import io.mapfs.server.store.Blocks;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.LeaseRecord;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlRecords.SnapshotRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import io.mapfs.server.store.Failures;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node's overlay: its lease, its journal, its rows. Safe for concurrent use; see the package
 * for the order of its two locks.
 */
public final class Overlay implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(Overlay.class);

  /** Most bytes of accepted records that wait to be written. */
  private static final long QUEUE_BYTES_MAX = 48L << 20;

  /** Most bytes that are written with one fdatasync. */
  private static final long COMMIT_BYTES_MAX = 16L << 20;

  /** Most journal bytes that wait to be folded; beyond it records wait for the folding. */
  private static final long LAG_BYTES_MAX = 256L << 20;

  /** Most pages' bytes and records that are folded at once. */
  private static final long FOLD_BYTES_MAX = 8L << 20;

  private static final int FOLD_RECORDS_MAX = 256;

  /** The journal is tidied up when it has this many bytes. */
  private static final long JOURNAL_BYTES_TIDY = 8L << 20;

  private static final int HEAD_ROWS_MAX = 8192;
  private static final int HEAD_BYTES_MAX = 2 << 20;
  private static final long GRANT_SECONDS_MAX = 60;

  /** Owner of the pin that a lease has. */
  private static final Object LEASE = new Object();

  private final String node;
  private final long overlayId;
  private final Blocks blocks;
  private final ControlStore control;
  private final OverlayRows rows;
  private final JournalLog log;
  private final Folder folder;
  private final Executor commits;
  private final Executor folds;

  private final Object journalLock = new Object();

  /** All below are protected by {@code journalLock}. */
  private State state;

  private byte[] durableHash;
  private final Deque<Accepted> queue = new ArrayDeque<>();
  private final Deque<Waiting> waiting = new ArrayDeque<>();
  private long queuedBytes;
  private long lagBytes;
  private boolean commitScheduled;
  private boolean foldScheduled;
  private boolean closed;
  private Session holder;
  private CompletableFuture<Effect.Grant> grant;
  private IOException foldFailure;

  private final ReentrantLock foldLock = new ReentrantLock();

  /** Protected by {@code foldLock}. */
  private final Retained retained = new Retained();

  /** Written under {@code foldLock}. */
  private volatile HeadPosition position;

  /** What an overlay works with. */
  record Parts(
      Blocks blocks,
      ControlStore control,
      OverlayRows rows,
      FoldStaging.VersionTrees trees,
      Executor commits,
      Executor folds) {}

  private record Accepted(
      JournalRecord record, byte[] encoded, byte[] hash, List<ByteBuffer> pages, long bytes) {}

  private record Waiting(long sequence, CompletableFuture<Message.Appended> acknowledged) {}

  /**
   * Opens an overlay, completing what a crash cut short.
   *
   * @throws IOException also if what was acknowledged is damaged
   */
  static Overlay open(NodeRecord node, Path journal, List<SnapshotRecord> snapshots, Parts parts)
      throws IOException {
    HeadPosition position = parts.rows().position(node.overlayId());
    if (position == null) {
      position = HeadPosition.fresh(node.version());
    }
    LeaseRecord lease = parts.control().get(ControlTable.LEASES, node.name());
    JournalLog log = JournalLog.open(journal, node.overlayId(), position.sequence());
    Overlay overlay = new Overlay(node, position, lease == null ? 0 : lease.epoch(), log, parts);
    overlay.foldLock.lock();
    try {
      for (SnapshotRecord snapshot : snapshots) {
        overlay.retained.add(snapshot.sequence());
      }
      if (lease != null) {
        overlay.pinLeaseLocked(lease);
      }
      if (position.forward() != null) {
        overlay.rollForwardLocked();
      }
    } finally {
      overlay.foldLock.unlock();
    }
    return overlay;
  }

  private Overlay(NodeRecord node, HeadPosition position, long epoch, JournalLog log, Parts parts) {
    this.node = node.name();
    this.overlayId = node.overlayId();
    this.blocks = parts.blocks();
    this.control = parts.control();
    this.rows = parts.rows();
    this.commits = parts.commits();
    this.folds = parts.folds();
    this.log = log;
    this.position = position;
    this.folder = new Folder(rows, overlayId, blocks, parts.trees(), retained);
    boolean ahead = log.lastSequence() > position.sequence();
    this.durableHash = ahead ? log.hashAt(log.lastSequence()) : position.hash();
    this.state = State.found(epoch, ahead ? log.lastSequence() : position.sequence(), durableHash);
    this.lagBytes = log.bytesAfter(position.sequence());
  }

  public String node() {
    return node;
  }

  public long overlayId() {
    return overlayId;
  }

  public OverlayRows rows() {
    return rows;
  }

  /** Who has it mounted. */
  public record Mount(String host, String peer, long sinceMillis) {}

  /** The mount, or {@code null}. */
  public Mount mount() {
    synchronized (journalLock) {
      return state.holder() > 0 && state.granted()
          ? new Mount(state.host(), holder.peer(), state.sinceMillis())
          : null;
    }
  }

  /** Where the overlay stands: the epoch, the last durable record, and the rows behind it. */
  public record Standing(long epoch, long sequence, byte[] hash, HeadPosition position) {}

  public Standing standing() {
    synchronized (journalLock) {
      return new Standing(state.epoch(), state.durableSequence(), durableHash, position);
    }
  }

  // ---- the lease ----

  /** Changes the head while nobody may write it. */
  @FunctionalInterface
  public interface HeadChange {
    /** Called with the epoch under which it happens; the journal is durable and folded. */
    void run(long epoch) throws IOException, ApplianceException;
  }

  /**
   * Takes the lease for a session.
   *
   * @param number the session's, positive
   * @param first what to do to the head before it is granted; {@code null} for nothing
   */
  public Effect.Grant open(
      Session session, long number, String host, boolean force, HeadChange first)
      throws ApplianceException {
    return take(new Event.Open(number, host, force, control.nowMillis()), session, first);
  }

  /**
   * Changes the head under a new epoch, while nobody has it mounted.
   *
   * @param purpose for whoever asks meanwhile: "a rollback"
   */
  public void change(String purpose, HeadChange change) throws ApplianceException {
    Effect.Grant granted = take(new Event.Raise(purpose, control.nowMillis()), null, change);
    synchronized (journalLock) {
      carryOutLocked(new Event.Close(JournalProtocol.APPLIANCE, granted.epoch()));
    }
    foldLock.lock();
    try {
      retained.unpin(LEASE);
      retained.keepNamed(false);
      folds.execute(this::collectQuietly);
    } finally {
      foldLock.unlock();
    }
  }

  private Effect.Grant take(Event request, Session session, HeadChange first)
      throws ApplianceException {
    CompletableFuture<Effect.Grant> granted = new CompletableFuture<>();
    Effect.PersistEpoch epoch = null;
    Session fenced = null;
    Effect.FenceSession fence = null;
    synchronized (journalLock) {
      requireOpenLocked();
      Session former = holder;
      List<Effect> effects = carryOutLocked(request);
      refuseIfRefused(effects);
      for (Effect effect : effects) {
        if (effect instanceof Effect.PersistEpoch persist) {
          epoch = persist;
        } else if (effect instanceof Effect.FenceSession fencing) {
          fence = fencing;
          fenced = former;
        }
      }
      holder = session;
      if (grant != null) {
        // Whoever was waiting for the lease has lost it to this one.
        grant.completeExceptionally(
            new ApplianceException(
                FailureCode.STALE_EPOCH, "the overlay of " + node + " was taken over"));
      }
      grant = granted;
    }
    if (fence != null) {
      fence(fenced, fence);
    }
    if (epoch == null) {
      throw new AssertionError("a request for the lease is refused or raises the epoch");
    }
    try {
      control.commit(
          ControlChange.put(
              ControlTable.LEASES,
              node,
              new LeaseRecord(node, epoch.epoch(), epoch.host(), epoch.sinceMillis(), 0, false)));
      if (first != null) {
        foldLock.lock();
        try {
          awaitCommitsAndFoldLocked();
          first.run(epoch.epoch());
        } finally {
          foldLock.unlock();
        }
      }
      synchronized (journalLock) {
        carryOutLocked(new Event.EpochDurable(epoch.epoch()));
      }
      return await(granted);
    } catch (IOException e) {
      giveUp(epoch.epoch());
      throw Failures.of("cannot grant the lease of " + node, e);
    } catch (ApplianceException | RuntimeException e) {
      giveUp(epoch.epoch());
      throw e;
    }
  }

  private void giveUp(long epoch) {
    synchronized (journalLock) {
      carryOutLocked(new Event.EpochFailed(epoch));
    }
  }

  private Effect.Grant await(CompletableFuture<Effect.Grant> granted) throws ApplianceException {
    try {
      return granted.get(GRANT_SECONDS_MAX, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new ApplianceException(
          FailureCode.UNAVAILABLE,
          "records of "
              + node
              + " are still being written after "
              + GRANT_SECONDS_MAX
              + " s: look at the appliance's disk",
          e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ApplianceException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ApplianceException(FailureCode.UNAVAILABLE, "the appliance is shutting down", e);
    }
  }

  private void fence(Session fenced, Effect.FenceSession fence) {
    CompletableFuture<Message> told =
        fenced.request(new Message.Fence(node, fence.epoch(), fence.reason()));
    // Its records are refused all the same if it could not be told.
    CompletableFuture<Void> unused =
        told.handle(
            (answer, failure) -> {
              if (failure != null) {
                LOG.info("{}: the fenced holder does not answer: {}", node, failure.toString());
              }
              return null;
            });
  }

  /** Pins what the head is now for the lease that was granted, and says where it is. */
  public HeadPosition pinForMount(Effect.Grant granted) throws ApplianceException {
    foldLock.lock();
    try {
      foldLocked();
      LeaseRecord lease = control.get(ControlTable.LEASES, node);
      if (lease.epoch() == granted.epoch()) {
        LeaseRecord pinned = lease.pinned(position.sequence());
        control.commit(ControlChange.put(ControlTable.LEASES, node, pinned));
        pinLeaseLocked(pinned);
      }
      return position;
    } catch (IOException e) {
      throw Failures.of("cannot read the overlay of " + node, e);
    } finally {
      foldLock.unlock();
    }
  }

  /** While a lease is out, also over lost connections, its node reads what it began with. */
  private void pinLeaseLocked(LeaseRecord lease) {
    if (lease.pinned()) {
      retained.pin(LEASE, lease.sequence());
    } else {
      retained.unpin(LEASE);
    }
    retained.keepNamed(lease.pinned());
  }

  /** Takes up the lease of an epoch again, on a new session. */
  public Standing resume(Session session, long number, long epoch) throws ApplianceException {
    try {
      LeaseRecord lease = control.get(ControlTable.LEASES, node);
      String host = lease == null || lease.host() == null ? session.peer() : lease.host();
      synchronized (journalLock) {
        requireOpenLocked();
        refuseIfRefused(carryOutLocked(new Event.Resume(number, epoch, host, control.nowMillis())));
        holder = session;
        return standing();
      }
    } catch (IOException e) {
      throw Failures.of("cannot read the lease of " + node, e);
    }
  }

  /** The session gives the lease back. */
  public void close(long number, long epoch) throws ApplianceException {
    synchronized (journalLock) {
      refuseIfRefused(carryOutLocked(new Event.Close(number, epoch)));
    }
    foldLock.lock();
    try {
      LeaseRecord lease = control.get(ControlTable.LEASES, node);
      if (lease.epoch() == epoch) {
        LeaseRecord ended = lease.ended();
        control.commit(ControlChange.put(ControlTable.LEASES, node, ended));
        pinLeaseLocked(ended);
        folds.execute(this::collectQuietly);
      }
    } catch (IOException e) {
      throw Failures.of("cannot end the lease of " + node, e);
    } finally {
      foldLock.unlock();
    }
  }

  private void refuseIfRefused(List<Effect> effects) throws ApplianceException {
    for (Effect effect : effects) {
      if (effect instanceof Effect.Refuse refuse) {
        throw new ApplianceException(refuse.code(), node + " " + refuse.message());
      }
    }
  }

  /** The session is gone. What its lease began with stays: it may be taken up again. */
  public void disconnect(Session session, long number) {
    synchronized (journalLock) {
      carryOutLocked(new Event.Disconnect(number));
    }
    foldLock.lock();
    try {
      retained.unpin(headPin(session));
    } finally {
      foldLock.unlock();
    }
  }

  private static Object headPin(Session reader) {
    return List.of("head", reader);
  }

  /**
   * Asks whoever has it mounted to hand over all changes; at once where nobody has.
   *
   * @throws ApplianceException UNAVAILABLE if the node does not answer in time
   */
  public void barrier(long deadlineMillis) throws ApplianceException {
    Session mounted;
    String host;
    synchronized (journalLock) {
      if (state.holder() <= 0 || !state.granted()) {
        return;
      }
      mounted = holder;
      host = state.host();
    }
    Message answer;
    try {
      answer =
          mounted.request(new Message.Barrier(node)).get(deadlineMillis, TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException e) {
      throw new ApplianceException(
          FailureCode.UNAVAILABLE,
          node
              + " is mounted by "
              + host
              + ", which does not hand over its changes ("
              + (e instanceof TimeoutException
                  ? "no answer after " + deadlineMillis / 1000 + " s"
                  : e.getCause().getMessage())
              + "): try again, or unmount it there",
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ApplianceException(FailureCode.UNAVAILABLE, "the appliance is shutting down", e);
    }
    if (answer instanceof Message.Failure failure) {
      throw new ApplianceException(
          failure.code(), node + " cannot hand over its changes: " + failure.message());
    }
    if (answer instanceof Message.Appended appended
        && appended.sequence() > standing().sequence()) {
      throw new ApplianceException(
          FailureCode.INTERNAL,
          node + " says that record " + appended.sequence() + " was acknowledged; it was not");
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
    CompletableFuture<Message.Appended> acknowledged = new CompletableFuture<>();
    synchronized (journalLock) {
      if (closed || queuedBytes > QUEUE_BYTES_MAX || (foldFailure != null && isLaggingLocked())) {
        return CompletableFuture.failedFuture(overloadedLocked());
      }
      for (Effect effect :
          carryOutLocked(
              new Event.Append(
                  number,
                  record.epoch(),
                  record.sequence(),
                  record.previousHash(),
                  hash,
                  standingHashLocked(record.sequence())))) {
        if (effect instanceof Effect.Refuse refuse) {
          return CompletableFuture.failedFuture(
              new ApplianceException(refuse.code(), node + ": " + refuse.message()));
        } else if (effect instanceof Effect.Write) {
          queue.add(new Accepted(record, encoded, hash, pages, bytes));
          queuedBytes += bytes;
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

  /** What is accepted must be readable again, or the overlay could never be folded. */
  private static void requireCanonical(JournalRecord record) throws MalformedRecordException {
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

  /** Steps the protocol and does what needs no caller; returns all effects. */
  private List<Effect> carryOutLocked(Event event) {
    JournalProtocol.Step step = JournalProtocol.step(state, event);
    state = step.state();
    if (state.holder() == JournalProtocol.NO_SESSION) {
      holder = null;
    }
    for (Effect effect : step.effects()) {
      if (effect instanceof Effect.Grant granted) {
        grant.complete(granted);
        grant = null;
      }
    }
    return step.effects();
  }

  private boolean isLaggingLocked() {
    return lagBytes > LAG_BYTES_MAX;
  }

  private void scheduleCommitLocked() {
    if (!commitScheduled && !queue.isEmpty() && !isLaggingLocked()) {
      commitScheduled = true;
      commits.execute(this::commit);
    }
  }

  /** Writes what is queued with one sync, acknowledges it, and goes on while there is more. */
  private void commit() {
    List<Accepted> batch = new ArrayList<>();
    long durable;
    long bytes = 0;
    synchronized (journalLock) {
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
    synchronized (journalLock) {
      Accepted last = batch.get(batch.size() - 1);
      queuedBytes -= bytes;
      lagBytes += bytes;
      durableHash = last.hash();
      for (Effect effect : carryOutLocked(new Event.RecordsDurable(last.record().sequence()))) {
        if (effect instanceof Effect.Acknowledge acknowledge) {
          takeWaitingLocked(acknowledge.throughSequence(), done);
        }
      }
      commitScheduled = false;
      scheduleCommitLocked();
      scheduleFoldLocked();
      journalLock.notifyAll();
    }
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
    synchronized (journalLock) {
      try {
        log.cutAfter(state.durableSequence());
      } catch (IOException e) {
        // The tail cannot even be cut off: nothing more is accepted until the store is reopened.
        failure.addSuppressed(e);
        closed = true;
      }
      carryOutLocked(new Event.WriteFailed(durableHash));
      refused = new ArrayList<>(waiting);
      waiting.clear();
      queue.clear();
      queuedBytes = 0;
      commitScheduled = false;
      journalLock.notifyAll();
    }
    IOException cause =
        failure instanceof IOException io ? io : new IOException(failure.toString(), failure);
    ApplianceException answer = Failures.of("cannot write the journal of " + node, cause);
    for (Waiting waiter : refused) {
      waiter.acknowledged().completeExceptionally(answer);
    }
  }

  // ---- folding ----

  private void scheduleFoldLocked() {
    if (!foldScheduled && !closed) {
      foldScheduled = true;
      folds.execute(this::foldQuietly);
    }
  }

  private void foldQuietly() {
    synchronized (journalLock) {
      foldScheduled = false;
    }
    foldLock.lock();
    try {
      foldLocked();
    } catch (IOException e) {
      // Kept for whoever needs the rows; tried again with the next record or reader.
      LOG.warn("{}: cannot fold the journal", node, e);
    } finally {
      foldLock.unlock();
    }
  }

  /** Folds all that is durable. */
  private void foldLocked() throws IOException {
    try {
      while (true) {
        long durable;
        synchronized (journalLock) {
          durable = closed ? position.sequence() : state.durableSequence();
        }
        if (position.sequence() >= durable) {
          break;
        }
        foldSomeLocked(durable);
      }
      tidyLocked();
    } catch (IOException | RuntimeException e) {
      synchronized (journalLock) {
        foldFailure = e instanceof IOException io ? io : new IOException("cannot fold: " + e, e);
        throw foldFailure;
      }
    }
  }

  private void foldSomeLocked(long durable) throws IOException {
    List<JournalLog.Stored> records = new ArrayList<>();
    long bytes = 0;
    long next = position.sequence() + 1;
    while (next <= durable && records.size() < FOLD_RECORDS_MAX && bytes < FOLD_BYTES_MAX) {
      JournalLog.Stored stored = log.read(next);
      records.add(stored);
      bytes += stored.bytes();
      next++;
    }
    position = folder.fold(position, records);
    synchronized (journalLock) {
      foldFailure = null;
      lagBytes = Math.max(0, lagBytes - bytes);
      scheduleCommitLocked();
    }
  }

  /** Drops journal segments whose records are in rows that no power cut can take back. */
  private void tidyLocked() throws IOException {
    if (log.storedBytes() > JOURNAL_BYTES_TIDY) {
      rows.sync();
      log.dropThrough(position.sequence());
    }
  }

  /** Waits until no accepted record is on its way to the disk, then folds all. */
  private void awaitCommitsAndFoldLocked() throws IOException, ApplianceException {
    long deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(GRANT_SECONDS_MAX);
    synchronized (journalLock) {
      while (state.sequence() != state.durableSequence()) {
        long left = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
        if (left <= 0) {
          throw new ApplianceException(
              FailureCode.UNAVAILABLE,
              "records of " + node + " are still being written: look at the appliance's disk");
        }
        try {
          journalLock.wait(left);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new ApplianceException(
              FailureCode.UNAVAILABLE, "the appliance is shutting down", e);
        }
      }
    }
    foldLocked();
  }

  // ---- the head ----

  /** Reads an overlay that does not change meanwhile. */
  @FunctionalInterface
  public interface HeadReader<T> {
    T read(HeadPosition position) throws IOException, ApplianceException;
  }

  /** Runs a reader on the folded head, under the fold lock: for what is quick. */
  public <T> T withHead(HeadReader<T> reader) throws ApplianceException {
    foldLock.lock();
    try {
      foldLocked();
      return reader.read(position);
    } catch (IOException e) {
      throw Failures.of("cannot read the overlay of " + node, e);
    } finally {
      foldLock.unlock();
    }
  }

  /** Runs a reader on the folded head, which is pinned but may go on: for what takes time. */
  public <T> T withPinnedHead(HeadReader<T> reader) throws ApplianceException {
    Object pin = new Object();
    HeadPosition pinned =
        withHead(
            head -> {
              retained.pin(pin, head.sequence());
              return head;
            });
    try {
      return reader.read(pinned);
    } catch (IOException e) {
      throw Failures.of("cannot read the overlay of " + node, e);
    } finally {
      foldLock.lock();
      try {
        retained.unpin(pin);
      } finally {
        foldLock.unlock();
      }
    }
  }

  /** A page of the head's rows. {@code reader} has what it reads pinned until its last page. */
  public Message.HeadRows head(Session reader, byte[] cursor) throws ApplianceException {
    foldLock.lock();
    try {
      long sequence;
      RowKey after = null;
      Object pin = headPin(reader);
      if (cursor.length == 0) {
        foldLocked();
        sequence = position.sequence();
        retained.pin(pin, sequence);
      } else {
        if (cursor.length <= Long.BYTES) {
          throw new ApplianceException(FailureCode.INVALID, "no cursor of a head: start again");
        }
        ByteBuffer buffer = ByteBuffer.wrap(cursor);
        sequence = buffer.getLong();
        byte[] key = new byte[buffer.remaining()];
        buffer.get(key);
        after = RowKey.of(key);
        if (!after.isOfOverlay(overlayId) || !retained.isPinned(pin, sequence)) {
          throw new ApplianceException(
              FailureCode.UNAVAILABLE, "the head of " + node + " has moved: read it again");
        }
      }
      HeadPage page = new HeadPage();
      rows.scanFrom(overlayId, after, sequence, page);
      if (page.last == null) {
        retained.unpin(pin);
        return new Message.HeadRows(sequence, page.changes, new byte[0]);
      }
      byte[] next = page.last.toBytes();
      return new Message.HeadRows(
          sequence,
          page.changes,
          ByteBuffer.allocate(Long.BYTES + next.length).putLong(sequence).put(next).array());
    } catch (IOException e) {
      throw Failures.of("cannot read the overlay of " + node, e);
    } finally {
      foldLock.unlock();
    }
  }

  /** Collects rows as changes until a page is full; {@code last} is then where it ended. */
  private static final class HeadPage implements OverlayRows.Visitor {
    final List<Change> changes = new ArrayList<>();
    RowKey last;
    private int bytes;

    @Override
    public boolean visit(RowKey key, Row row) {
      Change change = change(key, row);
      changes.add(change);
      bytes += RecordCodec.encodedBytes(change);
      if (changes.size() >= HEAD_ROWS_MAX || bytes >= HEAD_BYTES_MAX) {
        last = key;
        return false;
      }
      return true;
    }
  }

  /** Takes changes one by one. */
  @FunctionalInterface
  public interface ChangeVisitor {
    void visit(Change change) throws IOException;
  }

  /** The rows as they were at a sequence that stays readable meanwhile, in their own order. */
  public void forEachRow(long sequence, ChangeVisitor visitor) throws IOException {
    rows.scanFrom(
        overlayId,
        null,
        sequence,
        (key, row) -> {
          visitor.visit(change(key, row));
          return true;
        });
  }

  /** The change that states a row. */
  static Change change(RowKey key, Row row) {
    if (row instanceof Row.Inode inode) {
      return new Change.PutInode(key.ino(), inode.state());
    } else if (row instanceof Row.Xattrs set) {
      return new Change.PutXattrs(key.ino(), set.xattrs());
    } else if (row instanceof Row.Block block) {
      return new Change.PutBlock(key.ino(), key.blockIndex(), block.id());
    } else if (row instanceof Row.Zeros) {
      return new Change.PutBlock(key.ino(), key.blockIndex(), null);
    } else if (row instanceof Row.Dentry name) {
      return new Change.PutDentry(key.ino(), key.name(), name.ino(), name.type(), name.cookie());
    }
    return new Change.PutWhiteout(key.ino(), key.name());
  }

  /** Whether the node's own rows name the block. */
  public boolean names(BlockId id) throws IOException {
    return rows.names(overlayId, id);
  }

  // ---- snapshots, and changes by the appliance itself ----

  /** Makes the rows durable, for whoever is about to record where they stand. */
  public void syncRows() throws IOException {
    rows.sync();
  }

  /** Tells whoever has it mounted that it is gone. */
  public void fence(String reason) {
    Session mounted;
    long epoch;
    synchronized (journalLock) {
      mounted = state.holder() > 0 ? holder : null;
      epoch = state.epoch();
    }
    if (mounted != null) {
      fence(mounted, new Effect.FenceSession(0, epoch, reason));
    }
  }

  /** A sequence that is to stay readable; under the fold lock ({@link #withHead}). */
  public void retain(long sequence) {
    requireFoldLock();
    retained.add(sequence);
  }

  /** A sequence need not stay readable any more; what only it could see is removed later. */
  public void release(long sequence) {
    foldLock.lock();
    try {
      retained.remove(sequence);
      folds.execute(this::collectQuietly);
    } finally {
      foldLock.unlock();
    }
  }

  private void collectQuietly() {
    foldLock.lock();
    try {
      synchronized (journalLock) {
        if (closed) {
          return;
        }
      }
      RowCollector.collect(rows, overlayId, retained);
    } catch (IOException e) {
      // Nothing depends on it; the next collection removes the same.
      LOG.warn("{}: cannot remove superseded rows", node, e);
    } finally {
      foldLock.unlock();
    }
  }

  /**
   * Makes the head equal to an older sequence, as a change of its own; within {@link #change}.
   * Completed at the next open if a crash cuts it short.
   *
   * @return how many rows changed
   */
  public long rollBack(HeadPosition.Forward forward) throws IOException {
    requireFoldLock();
    try (RowBatch batch = new RowBatch(rows, overlayId, position.sequence(), retained)) {
      batch.position(position.withForward(forward));
      batch.write(true);
    }
    position = position.withForward(forward);
    return rollForwardLocked();
  }

  private long rollForwardLocked() throws IOException {
    HeadPosition.Forward forward = position.forward();
    long sequence = position.sequence() + 1;
    try (RowChunks chunks = new RowChunks(rows, overlayId, sequence, retained)) {
      rows.difference(
          overlayId,
          position.sequence(),
          forward.target(),
          (key, now, then) -> chunks.put(key, then == null ? Row.Gone.INSTANCE : then));
      moveLocked(
          chunks.last(),
          forward.version(),
          forward.epoch(),
          forward.entries(),
          forward.ownBytes(),
          position.nextIno(),
          position.nextCookie());
      return chunks.count();
    }
  }

  /**
   * Changes rows, and the version that they stand on, as one; within {@link #change} or before a
   * grant.
   */
  public void rebase(
      Map<RowKey, Row> changed, int version, long epoch, long nextIno, long nextCookie)
      throws IOException {
    requireFoldLock();
    long sequence = position.sequence() + 1;
    try (RowBatch batch = new RowBatch(rows, overlayId, sequence, retained)) {
      for (Map.Entry<RowKey, Row> entry : changed.entrySet()) {
        batch.put(entry.getKey(), entry.getValue());
      }
      moveLocked(
          batch,
          version,
          epoch,
          position.entries() + batch.entriesDelta(),
          position.ownBytes() + batch.ownBytesDelta(),
          nextIno,
          nextCookie);
    }
  }

  private void moveLocked(
      RowBatch batch,
      int version,
      long epoch,
      long entries,
      long ownBytes,
      long nextIno,
      long nextCookie)
      throws IOException {
    long sequence = position.sequence() + 1;
    HeadPosition moved =
        new HeadPosition(
            sequence,
            forwardHash(position.hash(), sequence, version, epoch),
            epoch,
            version,
            entries,
            ownBytes,
            nextIno,
            nextCookie,
            null);
    batch.position(moved);
    batch.write(true);
    position = moved;
    log.clear();
    synchronized (journalLock) {
      durableHash = moved.hash();
      lagBytes = 0;
      carryOutLocked(new Event.Forwarded(sequence, moved.hash()));
    }
  }

  /** What stands in the chain of hashes for a change that no record made. */
  private static byte[] forwardHash(byte[] previous, long sequence, int version, long epoch) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update("MapFS forward".getBytes(StandardCharsets.US_ASCII));
      digest.update(previous);
      digest.update(
          ByteBuffer.allocate(20).putLong(sequence).putInt(version).putLong(epoch).flip());
      return digest.digest();
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  private void requireFoldLock() {
    if (!foldLock.isHeldByCurrentThread()) {
      throw new IllegalStateException("the caller must hold the fold lock");
    }
  }

  private void requireOpenLocked() throws ApplianceException {
    if (closed) {
      throw new ApplianceException(
          FailureCode.UNAVAILABLE, "the overlay of " + node + " is closed: try again");
    }
  }

  /** Why the journal cannot be folded; {@code null} if it can. */
  public String fault() {
    synchronized (journalLock) {
      return foldFailure == null ? null : foldFailure.getMessage();
    }
  }

  /** Journal bytes that are not folded yet. */
  public long lagBytes() {
    synchronized (journalLock) {
      return lagBytes;
    }
  }

  /** Folds what is there and closes the files. Records that wait are not acknowledged. */
  @Override
  public void close() throws IOException {
    foldLock.lock();
    try {
      synchronized (journalLock) {
        if (closed) {
          return;
        }
      }
      foldLocked();
    } finally {
      try {
        synchronized (journalLock) {
          closed = true;
        }
        log.close();
      } finally {
        foldLock.unlock();
      }
    }
  }
}
