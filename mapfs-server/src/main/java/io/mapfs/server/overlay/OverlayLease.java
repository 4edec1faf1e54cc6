package io.mapfs.server.overlay;

import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Protocol;
import io.mapfs.server.Session;
import io.mapfs.server.overlay.JournalProtocol.Effect;
import io.mapfs.server.overlay.JournalProtocol.Event;
import io.mapfs.server.overlay.JournalProtocol.State;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.EpochRecord;
import io.mapfs.server.store.ControlRecords.LeaseRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import io.mapfs.server.store.Failures;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who may write one overlay: gives the lease out under epochs that are durable before they are
 * announced, and talks to whoever holds it. The rules are {@link JournalProtocol}'s. Safe for
 * concurrent use.
 */
public final class OverlayLease {
  private static final Logger LOG = LoggerFactory.getLogger(OverlayLease.class);

  /** Owner of the pin that a lease has. */
  private static final Object LEASE = new Object();

  /** How long the connection of a machine that asks anew has to show that it lives. */
  private static final long SIGN_OF_LIFE_MILLIS = 5_000;

  private final String node;
  private final ControlStore control;
  private final Retained retained;
  private final OverlayJournal journal;
  private final OverlayHead head;

  /** Sessions that asked for the lease and are connected, by number. */
  private final Map<Long, Session> sessions = new ConcurrentHashMap<>();

  /** Held while whoever has it mounted is told its quota, so that the last one told is the last. */
  private final Object quotaLock = new Object();

  /** Held while the lease's record is read and written again, so that its epoch never falls. */
  private final Object recordLock = new Object();

  OverlayLease(
      String node,
      ControlStore control,
      Retained retained,
      OverlayJournal journal,
      OverlayHead head) {
    this.node = node;
    this.control = control;
    this.retained = retained;
    this.journal = journal;
    this.head = head;
  }

  /** Who has it mounted. */
  public record Mount(String host, String peer, long sinceMillis) {}

  /** The mount, or {@code null}. */
  public Mount mount() {
    State state = journal.state();
    Session session = holder(state);
    return session == null || !state.granted()
        ? null
        : new Mount(state.host(), session.peer(), state.tenancy().sinceMillis());
  }

  /** The session that holds the lease or is being given it; {@code null} for none. */
  private Session holder(State state) {
    return state.holder() > 0 ? sessions.get(state.holder()) : null;
  }

  // ---- taking ----

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
   * @param first what to do to the head before it is granted
   */
  public Effect.Grant open(
      Session session, long number, String host, boolean force, HeadChange first)
      throws ApplianceException {
    if (!force) {
      releaseIfGone(host);
    }
    sessions.put(number, session);
    return take(new Event.Open(number, host, force, control.nowMillis()), first);
  }

  /**
   * Releases the lease of a machine whose connection is dead and does not show it yet. One that
   * lost its power, or was cut off, said no goodbye; it is not to wait for the keep-alive when it
   * comes back and asks anew.
   */
  private void releaseIfGone(String host) throws ApplianceException {
    State state = journal.state();
    Session former = holder(state);
    if (former == null || !state.granted() || !state.host().equals(host)) {
      return;
    }
    try {
      former.request(new Message.Ping()).get(SIGN_OF_LIFE_MILLIS, TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException e) {
      LOG.info("{}: {} asks anew, and its former connection is dead", node, host);
      disconnect(state.holder());
      former.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ApplianceException(FailureCode.UNAVAILABLE, "the appliance is shutting down", e);
    }
  }

  /**
   * Changes the head under a new epoch, while nobody has it mounted.
   *
   * @param purpose for whoever asks meanwhile: "a rollback"
   */
  public void change(String purpose, HeadChange change) throws ApplianceException {
    raiseAndClose(new Event.Raise(purpose, false, control.nowMillis()), change);
  }

  /**
   * Ends the lease, whoever has it: nothing of its epoch is accepted any more.
   *
   * @return the new epoch, which nobody has
   */
  public long end() throws ApplianceException {
    return raiseAndClose(new Event.Raise("a fence", true, control.nowMillis()), null);
  }

  private long raiseAndClose(Event.Raise raise, HeadChange change) throws ApplianceException {
    Effect.Grant granted = take(raise, change);
    retained.unpin(LEASE);
    retained.keepNamed(false);
    journal.step(new Event.Close(JournalProtocol.APPLIANCE, granted.epoch()));
    head.scheduleCollection();
    return granted.epoch();
  }

  /**
   * @param first {@code null} where the head stays as it is, and need not be folded
   */
  private Effect.Grant take(Event request, HeadChange first) throws ApplianceException {
    Effect.PersistEpoch epoch = raise(request);
    try {
      journal.awaitDurable();
      record(epoch, journal.durable().sequence());
      if (first != null) {
        head.withHead(
            position -> {
              first.run(epoch.epoch());
              return null;
            });
      }
      for (Effect effect : journal.step(new Event.EpochDurable(epoch.epoch()))) {
        if (effect instanceof Effect.Grant granted) {
          return granted;
        }
      }
      throw takenOver();
    } catch (IOException e) {
      giveUp(epoch.epoch());
      throw Failures.of("cannot grant the lease of " + node, e);
    } catch (ApplianceException | RuntimeException e) {
      giveUp(epoch.epoch());
      throw e;
    }
  }

  /** From here on nothing of an older epoch is accepted, and nothing of the new one yet. */
  private Effect.PersistEpoch raise(Event request) throws ApplianceException {
    Effect.PersistEpoch epoch = null;
    for (Effect effect : journal.request(request)) {
      if (effect instanceof Effect.PersistEpoch persist) {
        epoch = persist;
      } else if (effect instanceof Effect.FenceSession fence) {
        fence(fence);
      }
    }
    if (epoch == null) {
      throw new AssertionError("a request for the lease is refused or raises the epoch");
    }
    return epoch;
  }

  private ApplianceException takenOver() {
    return new ApplianceException(
        FailureCode.STALE_EPOCH, "the overlay of " + node + " was taken over");
  }

  private void record(Effect.PersistEpoch epoch, long sequence)
      throws IOException, ApplianceException {
    synchronized (recordLock) {
      LeaseRecord standing = control.get(ControlTable.LEASES, node);
      if (standing != null && standing.epoch() >= epoch.epoch()) {
        throw takenOver();
      }
      control.commit(
          ControlChange.put(
              ControlTable.LEASES,
              node,
              new LeaseRecord(
                  node,
                  epoch.epoch(),
                  epoch.host(),
                  epoch.sinceMillis(),
                  0,
                  false,
                  standing == null ? 0 : standing.grantedBytes())),
          ControlChange.put(
              ControlTable.EPOCHS,
              ControlTable.key(node, epoch.epoch()),
              new EpochRecord(node, epoch.epoch(), epoch.host(), epoch.sinceMillis(), sequence)));
    }
  }

  private void giveUp(long epoch) {
    journal.step(new Event.EpochFailed(epoch));
  }

  /**
   * Pins what the head is now for the lease that was granted, grants it the space that the quota
   * gives, and says where the head is. The holder has not heard of the lease yet.
   *
   * @param quotaBytes 0 for unlimited
   */
  public HeadPosition pinForMount(Effect.Grant granted, long quotaBytes) throws ApplianceException {
    return head.withHead(
        position -> {
          synchronized (recordLock) {
            LeaseRecord lease = control.get(ControlTable.LEASES, node);
            if (lease.epoch() == granted.epoch()) {
              LeaseRecord pinned =
                  lease.pinned(position.sequence(), nextGrant(quotaBytes, position.usedBytes()));
              control.commit(ControlChange.put(ControlTable.LEASES, node, pinned));
              pin(pinned);
              journal.step(new Event.Granted(pinned.grantedBytes()));
            }
          }
          return position;
        });
  }

  /**
   * What the next lease grants: what the quota gives, and to an overlay that has more by now (the
   * quota was lowered) what it has, so that its truncations find room; never more than the former
   * lease did.
   */
  private long nextGrant(long quotaBytes, long usedBytes) {
    long former = journal.state().credit().grantedBytes();
    return Math.max(
        Overlay.grantedBytes(quotaBytes), Math.min(former, usedBytes + Overlay.SLACK_BYTES));
  }

  /**
   * Grants the present lease more space, durable. It never gets less: its node may have used what
   * it was granted, and what a node has applied is taken.
   *
   * @param quotaBytes 0 for unlimited
   */
  public void raiseGrant(long quotaBytes) throws IOException {
    synchronized (recordLock) {
      long before = journal.state().credit().grantedBytes();
      long bytes = Math.max(before, Overlay.grantedBytes(quotaBytes));
      LeaseRecord lease = control.get(ControlTable.LEASES, node);
      if (lease != null) {
        control.commit(ControlChange.put(ControlTable.LEASES, node, lease.granting(bytes)));
      }
      journal.step(new Event.Granted(bytes));
    }
  }

  /** While a lease is out, also over lost connections, its node reads what it began with. */
  void pin(LeaseRecord lease) {
    if (lease.pinned()) {
      retained.pin(LEASE, lease.sequence());
    } else {
      retained.unpin(LEASE);
    }
    retained.keepNamed(lease.pinned());
  }

  /** The last record that was accepted under an epoch; a lower one if that is not known. */
  public long lastAccepted(long epoch) throws IOException {
    OverlayJournal.Durable now = journal.durable();
    if (epoch >= now.epoch()) {
      return now.sequence();
    }
    for (EpochRecord each : control.list(ControlTable.EPOCHS, node + "/")) {
      if (each.epoch() > epoch) {
        return each.sequence();
      }
    }
    return 0;
  }

  // ---- going on, and ending ----

  /** Takes up the lease of an epoch again, on a new session. */
  public void resume(Session session, long number, long epoch) throws ApplianceException {
    try {
      LeaseRecord lease = control.get(ControlTable.LEASES, node);
      String host = lease == null || lease.host() == null ? session.peer() : lease.host();
      sessions.put(number, session);
      journal.request(new Event.Resume(number, epoch, host, control.nowMillis()));
    } catch (IOException e) {
      throw Failures.of("cannot read the lease of " + node, e);
    }
  }

  /** The session gives the lease back. */
  public void close(long number, long epoch) throws ApplianceException {
    journal.request(new Event.Close(number, epoch));
    try {
      synchronized (recordLock) {
        LeaseRecord lease = control.get(ControlTable.LEASES, node);
        if (lease.epoch() == epoch) {
          LeaseRecord ended = lease.ended();
          control.commit(ControlChange.put(ControlTable.LEASES, node, ended));
          pin(ended);
          head.scheduleCollection();
        }
      }
    } catch (IOException e) {
      throw Failures.of("cannot end the lease of " + node, e);
    }
  }

  /** The session is gone. What its lease began with stays: it may be taken up again. */
  void disconnect(long number) {
    sessions.remove(number);
    journal.step(new Event.Disconnect(number));
  }

  // ---- the holder ----

  /** Tells whoever has it mounted that it is gone. */
  public void fence(String reason) {
    State state = journal.state();
    fence(new Effect.FenceSession(state.holder(), state.epoch(), reason));
  }

  private void fence(Effect.FenceSession fence) {
    Session fenced = sessions.get(fence.session());
    if (fenced == null) {
      return;
    }
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

  /** What a node's quota is; 0 for unlimited. */
  @FunctionalInterface
  public interface QuotaReader {
    long bytes() throws IOException, ApplianceException;
  }

  /**
   * Tells whoever has it mounted its quota, which is read when its turn has come.
   *
   * @return whether it knows
   */
  public CompletableFuture<Boolean> tellQuota(QuotaReader quota)
      throws IOException, ApplianceException {
    synchronized (quotaLock) {
      State state = journal.state();
      Session mounted = holder(state);
      if (mounted == null
          || !state.granted()
          || (mounted.features() & Protocol.FEATURE_QUOTA) == 0) {
        return CompletableFuture.completedFuture(false);
      }
      return mounted
          .request(new Message.ChangeQuota(node, quota.bytes()))
          .orTimeout(SIGN_OF_LIFE_MILLIS, TimeUnit.MILLISECONDS)
          .handle((answer, failure) -> answer instanceof Message.Done);
    }
  }

  /**
   * Asks whoever has it mounted to hand over all changes; at once where nobody has.
   *
   * @throws ApplianceException UNAVAILABLE if the node does not answer in time
   */
  public void barrier(long deadlineMillis) throws ApplianceException {
    State state = journal.state();
    Session mounted = holder(state);
    if (mounted == null || !state.granted()) {
      return;
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
              + state.host()
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
        && appended.sequence() > journal.durable().sequence()) {
      throw new ApplianceException(
          FailureCode.INTERNAL,
          node + " says that record " + appended.sequence() + " was acknowledged; it was not");
    }
  }
}
