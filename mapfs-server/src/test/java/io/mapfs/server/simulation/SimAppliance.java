package io.mapfs.server.simulation;

import io.mapfs.core.journal.Change;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.overlay.JournalProtocol;
import io.mapfs.server.overlay.JournalProtocol.Credit;
import io.mapfs.server.overlay.JournalProtocol.Effect;
import io.mapfs.server.overlay.JournalProtocol.Event;
import io.mapfs.server.overlay.JournalProtocol.Measured;
import io.mapfs.server.overlay.JournalProtocol.State;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * The appliance of one overlay: the real {@link JournalProtocol} on a disk that is not real. What
 * surrounds it here (commits, folding, the order of persisting an epoch) is written after {@code
 * OverlayJournal}, {@code OverlayHead} and {@code OverlayLease}.
 */
final class SimAppliance {
  /** What a node hears: an answer, or a refusal; and the epoch that was in force then. */
  record Answer(FailureCode refusal, long epoch, long sequence, String hash) {
    static Answer of(long epoch, long sequence, String hash) {
      return new Answer(null, epoch, sequence, hash);
    }

    static Answer refused(FailureCode code) {
      return refused(code, 0);
    }

    static Answer refused(FailureCode code, long epoch) {
      return new Answer(code, epoch, 0, null);
    }

    boolean isRefused() {
      return refusal != null;
    }
  }

  private record Waiting(SimRecord record, Consumer<Answer> reply) {}

  private static final Consumer<Answer> NOBODY = answer -> {};

  private static final int GRANTED_PAGES_MIN = 4;
  private static final int GRANTED_PAGES_MAX = 30;

  private final World world;
  private final History history;
  final ApplianceDisk disk;
  private final int grantedPages;

  /** Rises with each crash: what an older life had begun means nothing. */
  private int life;

  private boolean up;
  private State state;
  private String durableHash;

  /** The overlay's own pages with everything that is accepted. */
  private Map<Integer, Integer> own;

  private final Deque<SimRecord> queue = new ArrayDeque<>();
  private final List<Waiting> waiting = new ArrayList<>();
  private boolean committing;

  /** Who waits for the lease. */
  private Consumer<Answer> opening = NOBODY;

  private final List<Consumer<Long>> connectionsEnded = new ArrayList<>();

  SimAppliance(World world, History history) {
    this.world = world;
    this.history = history;
    this.disk = new ApplianceDisk(world);
    this.grantedPages = GRANTED_PAGES_MIN + world.below(GRANTED_PAGES_MAX - GRANTED_PAGES_MIN + 1);
    start();
  }

  /** How many pages of its own the overlay may have: told with the lease. */
  int grantedPages() {
    return grantedPages;
  }

  /** Which of its lives this is: connections end with one. */
  int life() {
    return life;
  }

  /** Tells of connections that end because the appliance does. */
  void onCrash(Consumer<Long> listener) {
    connectionsEnded.add(listener);
  }

  private void start() {
    up = true;
    long last = disk.lastSequence();
    durableHash = disk.hash(last);
    own = disk.pagesAt((int) last);
    long granted =
        world.has(Fault.UNBOUND_GRANT) ? Credit.UNLIMITED : (long) grantedPages * Change.PAGE_BYTES;
    state =
        State.found(
            disk.durableEpochAfterCrash(),
            last,
            SimRecord.bytes(durableHash),
            new Credit(granted, Credit.UNKNOWN));
    history.recovered(disk);
    background(life);
  }

  /** Folding, tidying and sweeping go on beside everything. */
  private void background(int of) {
    world.after(
        20 + world.below(400),
        () -> {
          if (of != life || !up) {
            return;
          }
          switch (world.below(4)) {
            case 0, 1 -> {
              disk.fold(state.durableSequence());
              step(new Event.Folded(state.durableSequence(), ownBytes(own)));
            }
            case 2 -> disk.tidy();
            default -> disk.sweep();
          }
          History.requireBlocks(disk);
          History.requireGrant(disk, grantedPages);
          background(of);
        });
  }

  /** The process ends: by a kill, or with the machine. */
  void crash(boolean powerCut, long downMillis) {
    if (!up) {
      return;
    }
    up = false;
    life++;
    queue.clear();
    waiting.clear();
    committing = false;
    opening = NOBODY;
    if (powerCut) {
      disk.powerCut();
    }
    connectionsEnded.forEach(listener -> listener.accept(0L));
    world.after(
        downMillis,
        () -> {
          if (!powerCut) {
            disk.killed();
          }
          start();
        });
  }

  // ---- requests; each is answered at most once ----

  void position(Consumer<Answer> reply) {
    if (up) {
      reply.accept(standing());
    }
  }

  private Answer standing() {
    return Answer.of(state.epoch(), state.durableSequence(), durableHash);
  }

  void resume(long session, long epoch, String host, Consumer<Answer> reply) {
    if (up) {
      List<Effect> effects = step(new Event.Resume(session, epoch, host, world.nowMillis()));
      reply.accept(refusal(effects) == null ? standing() : refusal(effects));
    }
  }

  void close(long session, long epoch, Consumer<Answer> reply) {
    if (up) {
      Answer refusal = refusal(step(new Event.Close(session, epoch)));
      reply.accept(refusal == null ? standing() : refusal);
    }
  }

  void disconnected(long session) {
    if (up) {
      step(new Event.Disconnect(session));
    }
  }

  void open(long session, String host, boolean force, Consumer<Answer> reply) {
    if (up) {
      take(new Event.Open(session, host, force, world.nowMillis()), reply);
    }
  }

  /** An operator's fence: a new epoch that nobody has. */
  void fence() {
    if (up) {
      int of = life;
      take(
          new Event.Raise("a fence", true, world.nowMillis()),
          granted -> {
            if (of == life && !granted.isRefused()) {
              step(new Event.Close(JournalProtocol.APPLIANCE, granted.epoch()));
            }
          });
    }
  }

  private void take(Event request, Consumer<Answer> reply) {
    List<Effect> effects = step(request);
    if (refusal(effects) != null) {
      reply.accept(refusal(effects));
      return;
    }
    opening.accept(Answer.refused(FailureCode.STALE_EPOCH));
    opening = reply;
    for (Effect effect : effects) {
      if (effect instanceof Effect.PersistEpoch persist) {
        persist(life, persist);
      }
    }
  }

  /** All accepted records first, so that the boundary is exact; then the epoch. */
  private void persist(int of, Effect.PersistEpoch persist) {
    world.after(
        1 + world.below(20),
        () -> {
          if (of != life || persist.epoch() != state.epoch()) {
            return;
          }
          if (state.sequence() != state.durableSequence()) {
            persist(of, persist);
            return;
          }
          if (world.chance(0.02)) {
            step(new Event.EpochFailed(persist.epoch()));
            giveUpOpening();
            return;
          }
          disk.putEpoch(persist.epoch(), state.durableSequence());
          step(new Event.EpochDurable(persist.epoch()));
        });
  }

  private void giveUpOpening() {
    Consumer<Answer> asker = opening;
    opening = NOBODY;
    asker.accept(Answer.refused(FailureCode.UNAVAILABLE));
  }

  void lastAccepted(long epoch, Consumer<Answer> reply) {
    if (up) {
      long last = epoch >= state.epoch() ? state.durableSequence() : disk.lastAccepted(epoch);
      reply.accept(Answer.of(epoch, last, disk.hash(last)));
    }
  }

  void keepAside(SimRecord record, Consumer<Answer> reply) {
    if (up) {
      disk.keepAside(record);
      reply.accept(Answer.of(record.epoch(), record.sequence(), record.hash()));
    }
  }

  void append(long session, SimRecord record, Consumer<Answer> reply) {
    if (!up) {
      return;
    }
    if (world.chance(0.005)) {
      reply.accept(Answer.refused(FailureCode.UNAVAILABLE));
      return;
    }
    List<Effect> effects = offer(session, record, null);
    if (effects.contains(new Effect.Measure())) {
      // The real one waits here until everything is folded.
      effects = offer(session, record, measure(record));
    }
    Answer refusal = refusal(effects);
    if (refusal != null) {
      if (refusal.refusal() == FailureCode.NO_SPACE) {
        History.overdrawn(record);
      }
      reply.accept(refusal);
      return;
    }
    history.accepted(record);
    for (Effect effect : effects) {
      if (effect instanceof Effect.Write) {
        record.applyTo(own);
        queue.add(record);
        waiting.add(new Waiting(record, reply));
        commit();
      } else if (effect instanceof Effect.AwaitDurable await) {
        if (await.sequence() <= state.durableSequence()) {
          acknowledge(new Waiting(record, reply));
        } else {
          waiting.add(new Waiting(record, reply));
        }
      }
    }
  }

  private List<Effect> offer(long session, SimRecord record, Measured measured) {
    boolean blind = world.has(Fault.NO_EPOCH_CHECK);
    String standing = standingHash(record.sequence());
    return step(
        new Event.Append(
            blind ? state.holder() : session,
            blind ? state.epoch() : record.epoch(),
            record.sequence(),
            SimRecord.bytes(record.previousHash()),
            SimRecord.bytes(record.hash()),
            standing == null ? null : SimRecord.bytes(standing),
            record.mostBytes(),
            measured));
  }

  private Measured measure(SimRecord record) {
    Map<Integer, Integer> after = new TreeMap<>(own);
    record.applyTo(after);
    return new Measured(state.sequence(), ownBytes(own), ownBytes(after));
  }

  private static long ownBytes(Map<Integer, Integer> pages) {
    return (long) pages.size() * Change.PAGE_BYTES;
  }

  private String standingHash(long sequence) {
    if (sequence > state.sequence()) {
      return null;
    }
    for (SimRecord accepted : queue) {
      if (accepted.sequence() == sequence) {
        return accepted.hash();
      }
    }
    return sequence == state.sequence() ? SimRecord.text(state.hash()) : disk.journalHash(sequence);
  }

  /** Writes what is queued, and syncs it a while later. */
  private void commit() {
    if (committing || queue.isEmpty()) {
      return;
    }
    committing = true;
    int of = life;
    world.after(world.below(5), () -> write(of));
  }

  private void write(int of) {
    if (of != life) {
      return;
    }
    SimRecord last = null;
    while (!queue.isEmpty()) {
      last = queue.remove();
      disk.write(last);
    }
    SimRecord written = last;
    boolean fails = world.chance(0.01);
    world.after(
        world.has(Fault.SKIPPED_FSYNC) ? 0 : 1 + world.below(30), () -> synced(of, written, fails));
  }

  private void synced(int of, SimRecord last, boolean fails) {
    if (of != life) {
      return;
    }
    committing = false;
    if (fails) {
      disk.cutAfter(state.durableSequence());
      own = disk.pagesAt((int) state.durableSequence());
      queue.clear();
      step(new Event.WriteFailed(SimRecord.bytes(durableHash)));
      List<Waiting> refused = List.copyOf(waiting);
      waiting.clear();
      refused.forEach(waiter -> waiter.reply.accept(Answer.refused(FailureCode.NO_SPACE)));
      return;
    }
    if (!world.has(Fault.SKIPPED_FSYNC)) {
      disk.sync();
    }
    durableHash = last.hash();
    step(new Event.RecordsDurable(last.sequence()));
    commit();
  }

  private void acknowledge(Waiting waiter) {
    history.acknowledged(waiter.record, disk);
    waiter.reply.accept(
        Answer.of(waiter.record.epoch(), waiter.record.sequence(), waiter.record.hash()));
  }

  // ---- the protocol ----

  private List<Effect> step(Event event) {
    JournalProtocol.Step step = JournalProtocol.step(state, event);
    state = step.state();
    world.visited(fingerprint(event));
    for (Effect effect : step.effects()) {
      if (effect instanceof Effect.Acknowledge acknowledge) {
        List<Waiting> done = new ArrayList<>();
        waiting.removeIf(
            waiter ->
                waiter.record.sequence() <= acknowledge.throughSequence() && done.add(waiter));
        done.forEach(this::acknowledge);
      } else if (effect instanceof Effect.Grant grant) {
        String hash = SimRecord.text(grant.hash());
        history.granted(grant.epoch(), grant.sequence(), hash, disk);
        Consumer<Answer> asker = opening;
        opening = NOBODY;
        asker.accept(Answer.of(grant.epoch(), grant.sequence(), hash));
      }
    }
    return step.effects();
  }

  private int fingerprint(Event event) {
    int holder = state.holder() > 0 ? 1 : (int) state.holder();
    return List.of(
            "appliance",
            event.getClass().getSimpleName(),
            holder,
            state.granted(),
            state.epochDurable(),
            Math.min(6, state.sequence() - state.durableSequence()),
            Math.min(6, queue.size()),
            Math.min(6, waiting.size()),
            Math.min(3, state.durableSequence() - disk.folded()))
        .hashCode();
  }

  private Answer refusal(List<Effect> effects) {
    for (Effect effect : effects) {
      if (effect instanceof Effect.Refuse refuse) {
        return Answer.refused(refuse.code(), state.epoch());
      }
    }
    return null;
  }
}
