package io.mapfs.server.overlay;

import io.mapfs.core.text.Sizes;
import io.mapfs.core.wire.FailureCode;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The rules of one overlay's journal at the appliance: who holds the lease, which record is
 * accepted, when it is acknowledged. Pure: {@link #step} takes a state and an event and gives the
 * next state and the effects that its caller is to carry out, in order. The appliance and a
 * simulator run the same rules.
 *
 * <pre>
 *            Open                    EpochDurable and all accepted records durable
 *   free ───────────► opening(epoch+1) ────────────────────────────► held(epoch)
 *    ▲                    │ EpochFailed                                 │
 *    └────────────────────┴─────────── Close, Disconnect ───────────────┘
 *                                      Open with force: FenceSession to the old holder, then opening
 * </pre>
 */
public final class JournalProtocol {
  /** Stands for "no session". */
  public static final long NO_SESSION = 0;

  /** Stands for the appliance itself, while it changes the head (rollback, update). */
  public static final long APPLIANCE = -1;

  private JournalProtocol() {}

  /**
   * How much of its own the overlay may have, and has: own pages and created inodes, as its node
   * counts them for its quota.
   *
   * @param grantedBytes most that it may have; {@link #UNLIMITED}
   * @param usedBytes most that it can have with everything that is accepted; exact once that is
   *     folded
   */
  public record Credit(long grantedBytes, long usedBytes) {
    public static final long UNLIMITED = Long.MAX_VALUE;

    /** Stands for a use that nobody worked out yet: more than any grant. */
    public static final long UNKNOWN = Long.MAX_VALUE / 2;

    /** Without a bound. */
    public static Credit unlimited() {
      return new Credit(UNLIMITED, 0);
    }

    private Credit granting(long bytes) {
      return new Credit(bytes, usedBytes);
    }

    private Credit using(long bytes) {
      return new Credit(grantedBytes, bytes);
    }
  }

  /**
   * What a record really adds.
   *
   * @param sequence the record before it, up to which everything is folded
   * @param beforeBytes what the overlay has of its own at that
   * @param afterBytes what it would have with the record
   */
  public record Measured(long sequence, long beforeBytes, long afterBytes) {}

  /**
   * Who has the lease.
   *
   * @param holder the session that holds or is being given it; {@link #NO_SESSION} for none
   * @param granted whether the holder was told so
   * @param host what the holder calls itself
   * @param sinceMillis when it asked
   */
  public record Tenancy(long holder, boolean granted, String host, long sinceMillis) {
    private static final Tenancy NONE = new Tenancy(NO_SESSION, false, "", 0);
  }

  /**
   * Where one overlay's journal stands. Hashes are never changed once handed over.
   *
   * @param epoch the newest epoch given out or about to be; only its records are accepted
   * @param epochDurable whether {@code epoch} is durable
   * @param tenancy who has the lease
   * @param sequence last accepted record
   * @param hash that record's
   * @param durableSequence last record that is durable
   * @param credit how much the overlay may have
   */
  public record State(
      long epoch,
      boolean epochDurable,
      Tenancy tenancy,
      long sequence,
      byte[] hash,
      long durableSequence,
      Credit credit) {

    /** A journal that nobody holds, as it was found on disk. */
    public static State found(long epoch, long sequence, byte[] hash, Credit credit) {
      return new State(epoch, true, Tenancy.NONE, sequence, hash, sequence, credit);
    }

    public long holder() {
      return tenancy.holder();
    }

    public boolean granted() {
      return tenancy.granted();
    }

    public String host() {
      return tenancy.host();
    }

    private State with(long newEpoch, boolean durable, Tenancy newTenancy) {
      return new State(newEpoch, durable, newTenancy, sequence, hash, durableSequence, credit);
    }

    private State released() {
      return with(epoch, epochDurable, Tenancy.NONE);
    }

    private State opening(long session, String host, long nowMillis) {
      return with(epoch + 1, false, new Tenancy(session, false, host, nowMillis));
    }

    private State resumed(long session, String host, long nowMillis) {
      return with(epoch, true, new Tenancy(session, true, host, nowMillis));
    }

    private State withGranted() {
      return with(epoch, epochDurable, new Tenancy(holder(), true, host(), tenancy.sinceMillis()));
    }

    private State withEpochDurable() {
      return with(epoch, true, tenancy);
    }

    private State withAccepted(long newSequence, byte[] newHash) {
      return new State(epoch, epochDurable, tenancy, newSequence, newHash, durableSequence, credit);
    }

    private State withDurable(long newDurable) {
      return new State(epoch, epochDurable, tenancy, sequence, hash, newDurable, credit);
    }

    private State withCredit(Credit newCredit) {
      return new State(epoch, epochDurable, tenancy, sequence, hash, durableSequence, newCredit);
    }
  }

  /** What happens to a journal. */
  public sealed interface Event {
    /** A session asks for the lease. */
    record Open(long session, String host, boolean force, long nowMillis) implements Event {}

    /** A session takes up the lease of that epoch again: its connection had broken. */
    record Resume(long session, long epoch, String host, long nowMillis) implements Event {}

    /** The epoch that {@link Effect.PersistEpoch} named is durable. */
    record EpochDurable(long epoch) implements Event {}

    /** It could not be made so. */
    record EpochFailed(long epoch) implements Event {}

    /**
     * A record arrives, its pages verified.
     *
     * @param standingHash hash of the record that stands at this sequence, {@code null} if none
     *     does or it is not known any more
     * @param mostBytes most that it can add to what the overlay has
     * @param measured what it really adds; {@code null} until that is asked for
     */
    record Append(
        long session,
        long epoch,
        long sequence,
        byte[] previousHash,
        byte[] hash,
        byte[] standingHash,
        long mostBytes,
        Measured measured)
        implements Event {}

    /** All accepted records up to this one are durable. */
    record RecordsDurable(long sequence) implements Event {}

    /**
     * Accepted records past the durable ones could not be written and are gone.
     *
     * @param hash of the last durable record
     */
    record WriteFailed(byte[] hash) implements Event {}

    /** The holder gives the lease back. */
    record Close(long session, long epoch) implements Event {}

    /** A session is gone. */
    record Disconnect(long session) implements Event {}

    /**
     * The appliance takes the lease itself; it closes it as {@link #APPLIANCE}.
     *
     * @param force also from a session that holds it, which is fenced
     */
    record Raise(String purpose, boolean force, long nowMillis) implements Event {}

    /** The change for which the lease was raised stands at this sequence, durable. */
    record Forwarded(long sequence, byte[] hash) implements Event {}

    /** The overlay may have so much of its own from now on. */
    record Granted(long grantedBytes) implements Event {}

    /** The rows hold everything up to this record, so much of it the overlay's own. */
    record Folded(long sequence, long usedBytes) implements Event {}
  }

  /** What is to be done. */
  public sealed interface Effect {
    /** Make the epoch durable, then report {@link Event.EpochDurable} or {@code EpochFailed}. */
    record PersistEpoch(long epoch, String host, long sinceMillis) implements Effect {}

    /** Tell the session that it holds the lease; the journal stands at this record. */
    record Grant(long session, long epoch, long sequence, byte[] hash) implements Effect {}

    /** Tell a session that its lease is gone. */
    record FenceSession(long session, long epoch, String reason) implements Effect {}

    /** Write the record that was appended; acknowledge it when it is durable. */
    record Write(long sequence) implements Effect {}

    /**
     * The record could bring the overlay past its grant: fold all before it, work out what it
     * really adds, and append it again with that.
     */
    record Measure() implements Effect {}

    /** The record stands already: acknowledge it when (or as) it is durable. */
    record AwaitDurable(long sequence) implements Effect {}

    /** Acknowledge every waiting record up to this one. */
    record Acknowledge(long throughSequence) implements Effect {}

    /** Refuse the event's request. */
    record Refuse(FailureCode code, String message) implements Effect {}
  }

  /** The next state, and what is to be done. */
  public record Step(State state, List<Effect> effects) {
    public Step {
      effects = List.copyOf(effects);
    }
  }

  public static Step step(State state, Event event) {
    if (event instanceof Event.Open open) {
      return open(state, open);
    } else if (event instanceof Event.Resume resume) {
      return resume(state, resume);
    } else if (event instanceof Event.EpochDurable durable) {
      return durable.epoch() == state.epoch()
          ? grantIfReady(state.withEpochDurable(), new ArrayList<>())
          : unchanged(state);
    } else if (event instanceof Event.EpochFailed failed) {
      // The number may have reached the disk all the same, so it stays taken.
      return failed.epoch() == state.epoch()
          ? new Step(state.released(), List.of())
          : unchanged(state);
    } else if (event instanceof Event.Append append) {
      return append(state, append);
    } else if (event instanceof Event.RecordsDurable durable) {
      return durable(state, durable);
    } else if (event instanceof Event.WriteFailed failed) {
      return new Step(state.withAccepted(state.durableSequence(), failed.hash()), List.of());
    } else if (event instanceof Event.Close close) {
      return close(state, close);
    } else if (event instanceof Event.Disconnect disconnect) {
      return disconnect.session() == state.holder()
          ? new Step(state.released(), List.of())
          : unchanged(state);
    } else if (event instanceof Event.Raise raise) {
      return open(
          state, new Event.Open(APPLIANCE, raise.purpose(), raise.force(), raise.nowMillis()));
    } else if (event instanceof Event.Forwarded forwarded) {
      return new Step(
          state
              .withAccepted(forwarded.sequence(), forwarded.hash())
              .withDurable(forwarded.sequence()),
          List.of());
    } else if (event instanceof Event.Granted granted) {
      return new Step(state.withCredit(state.credit().granting(granted.grantedBytes())), List.of());
    } else if (event instanceof Event.Folded folded) {
      // Until all is folded the bound stands: it covers what waits.
      return folded.sequence() == state.sequence()
          ? new Step(state.withCredit(state.credit().using(folded.usedBytes())), List.of())
          : unchanged(state);
    }
    throw new AssertionError("an event of no known kind: " + event);
  }

  private static Step open(State state, Event.Open open) {
    List<Effect> effects = new ArrayList<>();
    if (state.holder() != NO_SESSION) {
      if (state.holder() == APPLIANCE) {
        return refuse(
            state, FailureCode.CONFLICT, "is busy with " + state.host() + ": try again shortly");
      }
      if (!open.force()) {
        return refuse(
            state,
            FailureCode.CONFLICT,
            "is mounted by "
                + state.host()
                + " since "
                + Instant.ofEpochMilli(state.tenancy().sinceMillis())
                    .truncatedTo(ChronoUnit.SECONDS)
                + "; unmount it there"
                + (open.session() == APPLIANCE ? " first" : " or use --force"));
      }
      effects.add(
          new Effect.FenceSession(
              state.holder(),
              state.epoch(),
              open.session() == APPLIANCE
                  ? "an administrator ended the lease (" + open.host() + ")"
                  : "the overlay was taken over by " + open.host()));
    }
    State opening = state.opening(open.session(), open.host(), open.nowMillis());
    effects.add(new Effect.PersistEpoch(opening.epoch(), open.host(), open.nowMillis()));
    return new Step(opening, effects);
  }

  private static Step resume(State state, Event.Resume resume) {
    boolean inForce = resume.epoch() == state.epoch() && state.epochDurable();
    if (!inForce || (state.holder() != NO_SESSION && !state.granted())) {
      return refuse(
          state,
          FailureCode.STALE_EPOCH,
          "epoch " + resume.epoch() + " is not in force any more: mount again");
    }
    if (state.holder() > resume.session()) {
      // Numbers rise: this waited here while its connection broke and the next one resumed. Were
      // it heard, the records of the one that lives would be refused, and its node fenced for good.
      return refuse(
          state,
          FailureCode.CONFLICT,
          "a later connection has taken epoch " + resume.epoch() + " up already");
    }
    return new Step(state.resumed(resume.session(), resume.host(), resume.nowMillis()), List.of());
  }

  private static Step append(State state, Event.Append append) {
    if (append.epoch() < state.epoch() || append.session() != state.holder() || !state.granted()) {
      return refuse(
          state,
          FailureCode.STALE_EPOCH,
          "record "
              + append.sequence()
              + " is of epoch "
              + append.epoch()
              + ", epoch "
              + state.epoch()
              + " is in force: mount again");
    }
    if (append.epoch() > state.epoch()) {
      return refuse(
          state,
          FailureCode.INVALID,
          "record "
              + append.sequence()
              + " is of epoch "
              + append.epoch()
              + ", which was never given out");
    }
    if (append.sequence() <= state.sequence()) {
      if (append.standingHash() == null) {
        return refuse(
            state,
            FailureCode.GAP,
            "record "
                + append.sequence()
                + " is too old to be compared; the last is "
                + state.sequence());
      }
      return Arrays.equals(append.hash(), append.standingHash())
          ? new Step(state, List.of(new Effect.AwaitDurable(append.sequence())))
          : refuse(
              state,
              FailureCode.FORK,
              "another record stands at sequence " + append.sequence() + " already");
    }
    if (append.sequence() != state.sequence() + 1) {
      return refuse(
          state,
          FailureCode.GAP,
          "record " + append.sequence() + " does not follow " + state.sequence());
    }
    if (!Arrays.equals(append.previousHash(), state.hash())) {
      return refuse(
          state,
          FailureCode.FORK,
          "record " + append.sequence() + " does not follow the record that stands before it");
    }
    return accept(state, append);
  }

  /** The next record: taken, unless its node takes more than it was granted. */
  private static Step accept(State state, Event.Append append) {
    long granted = state.credit().grantedBytes();
    long used = state.credit().usedBytes() + append.mostBytes();
    if (used > granted) {
      Measured measured = append.measured();
      if (measured == null || measured.sequence() != state.sequence()) {
        return new Step(state, List.of(new Effect.Measure()));
      }
      used = measured.afterBytes();
      // An overlay that has too much already may stay so, and have less.
      if (used > Math.max(granted, measured.beforeBytes())) {
        return refuse(
            state,
            FailureCode.NO_SPACE,
            "record "
                + append.sequence()
                + " would bring the overlay to "
                + Sizes.format(used)
                + " of its own; it was granted "
                + Sizes.format(granted));
      }
    }
    return new Step(
        state.withAccepted(append.sequence(), append.hash()).withCredit(state.credit().using(used)),
        List.of(new Effect.Write(append.sequence())));
  }

  private static Step durable(State state, Event.RecordsDurable durable) {
    if (durable.sequence() <= state.durableSequence()) {
      return unchanged(state);
    }
    if (durable.sequence() > state.sequence()) {
      throw new IllegalStateException(
          "record " + durable.sequence() + " is durable but was never accepted");
    }
    List<Effect> effects = new ArrayList<>();
    effects.add(new Effect.Acknowledge(durable.sequence()));
    return grantIfReady(state.withDurable(durable.sequence()), effects);
  }

  /** A new holder hears of durable records only: what it builds on must not vanish. */
  private static Step grantIfReady(State state, List<Effect> effects) {
    if (state.holder() == NO_SESSION
        || state.granted()
        || !state.epochDurable()
        || state.durableSequence() != state.sequence()) {
      return new Step(state, effects);
    }
    effects.add(new Effect.Grant(state.holder(), state.epoch(), state.sequence(), state.hash()));
    return new Step(state.withGranted(), effects);
  }

  private static Step close(State state, Event.Close close) {
    if (close.session() != state.holder() || close.epoch() != state.epoch()) {
      return refuse(
          state, FailureCode.STALE_EPOCH, "epoch " + close.epoch() + " is not in force any more");
    }
    return new Step(state.released(), List.of());
  }

  private static Step refuse(State state, FailureCode code, String message) {
    return new Step(state, List.of(new Effect.Refuse(code, message)));
  }

  private static Step unchanged(State state) {
    return new Step(state, List.of());
  }
}
