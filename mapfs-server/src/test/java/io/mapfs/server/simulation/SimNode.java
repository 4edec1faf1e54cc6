package io.mapfs.server.simulation;

import io.mapfs.core.overlay.CatchUp;
import io.mapfs.core.overlay.NodeProtocol;
import io.mapfs.core.overlay.NodeProtocol.Effect;
import io.mapfs.core.overlay.NodeProtocol.Event;
import io.mapfs.core.overlay.OverlayPosition;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.simulation.SimAppliance.Answer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * A machine that mounts the overlay when it can and works on it: the real {@link NodeProtocol} and
 * {@link CatchUp} over a disk and a connection that are not real. What surrounds them here is
 * written after {@code NodeDaemon}, {@code UnsentTail}, {@code LeaseKeeper} and {@code
 * WireJournalShipper}.
 */
final class SimNode {
  private static final long REQUEST_MILLIS = 2_000;
  private static final int PAGES = 24;

  private enum Phase {
    DOWN,
    MOUNTING,
    MOUNTED
  }

  private static final long HANG_MILLIS = 15_000;

  private record Fsync(long batch, SimRecord last, long sinceMillis) {}

  private final World world;
  private final Network network;
  private final SimAppliance appliance;
  private final History history;
  private final String name;

  // ---- what is on disk ----

  /** The local journal, and how much of it survives a power cut. */
  private final List<SimRecord> journal = new ArrayList<>();

  /** Where the copy stands; {@code null} for none. */
  private OverlayPosition copy;

  private boolean trusted = true;

  // ---- what is in the process ----

  private int life;
  private Phase phase = Phase.DOWN;
  private boolean wanted;
  private long session;

  /** The appliance's life in which the session began. */
  private int applianceLife;

  private boolean attached;
  private long epoch;
  private OverlayPosition position;
  private NodeProtocol protocol;
  private long batches;
  private long sentThrough;
  private SimRecord lastSealed;
  private final TreeMap<Integer, Integer> open = new TreeMap<>();

  /** Pages that the overlay owns, those in the open batch included. */
  private final Set<Integer> owned = new HashSet<>();

  private final Map<Long, Consumer<Answer>> appends = new HashMap<>();
  private final List<Fsync> fsyncs = new ArrayList<>();
  private final Set<Long> dead = new HashSet<>();

  SimNode(World world, Network network, SimAppliance appliance, History history, String name) {
    this.world = world;
    this.network = network;
    this.appliance = appliance;
    this.history = history;
    this.name = name;
    appliance.onCrash(
        all -> {
          long on = session;
          world.after(world.below(500), () -> lost(on));
        });
  }

  void requireProgress() {
    if (phase == Phase.MOUNTED && !protocol.isFenced()) {
      long before = world.nowMillis() - HANG_MILLIS;
      History.requireProgress(
          name, (int) fsyncs.stream().filter(each -> each.sinceMillis < before).count());
    }
  }

  // ---- an operator's hands ----

  /** Mounts, and goes on trying. */
  void mount(boolean force) {
    wanted = true;
    if (phase == Phase.DOWN) {
      begin(force);
    }
  }

  /** The process ends by a kill: the kernel keeps what was written. */
  void kill() {
    end();
  }

  /** The machine loses power: of the local journal a prefix is left, the copy is of no use. */
  void powerCut() {
    end();
    journal.subList(world.below(journal.size() + 1), journal.size()).clear();
    trusted = false;
  }

  void unwanted() {
    wanted = false;
    end();
  }

  private void end() {
    long ended = session;
    life++;
    phase = Phase.DOWN;
    session = 0;
    attached = false;
    protocol = null;
    lastSealed = null;
    open.clear();
    appends.clear();
    fsyncs.clear();
    if (position != null) {
      copy = position;
      position = null;
    }
    if (ended != 0) {
      world.after(world.below(1_000), () -> appliance.disconnected(ended));
    }
  }

  // ---- requests ----

  private void connect() {
    session = world.nextSession();
    applianceLife = appliance.life();
  }

  private void request(Consumer<Consumer<Answer>> operation, Consumer<Answer> done) {
    int of = life;
    long on = session;
    boolean[] answered = {false};
    Consumer<Answer> once =
        answer -> {
          if (of == life && on == session && !answered[0]) {
            answered[0] = true;
            done.accept(answer);
          }
        };
    transmit(operation, once, on);
  }

  private void transmit(
      Consumer<Consumer<Answer>> operation, Consumer<Answer> once, long connection) {
    int in = applianceLife;
    network.send(
        name + ">",
        connection,
        () -> {
          if (!dead.contains(connection) && in == appliance.life()) {
            operation.accept(
                answer ->
                    network.send(">" + name, connection, () -> once.accept(answer), this::lost));
          }
        },
        this::lost);
    world.after(REQUEST_MILLIS, () -> once.accept(Answer.refused(FailureCode.UNAVAILABLE)));
  }

  // ---- mounting ----

  private void begin(boolean force) {
    phase = Phase.MOUNTING;
    connect();
    request(appliance::position, at -> handOver(at, force));
  }

  /** Something on the way failed: all over again, a while later. */
  private void again(boolean force) {
    end();
    int of = life;
    world.after(
        200 + world.below(2_000),
        () -> {
          if (of == life && wanted && phase == Phase.DOWN) {
            begin(force);
          }
        });
  }

  private void handOver(Answer at, boolean force) {
    if (at.isRefused()) {
      again(force);
      return;
    }
    if (journal.isEmpty() || world.has(Fault.REUSED_SEQUENCE)) {
      take(force);
      return;
    }
    long last = journal.get(journal.size() - 1).sequence();
    long localEpoch = journal.get(0).epoch();
    long on = session;
    switch (CatchUp.tail(last, localEpoch, at.epoch(), at.sequence())) {
      case NONE -> take(force);
      case KEEP_ASIDE -> keepAside(localEpoch, force);
      case APPEND ->
          request(
              reply -> appliance.resume(on, localEpoch, name, reply),
              resumed -> {
                if (resumed.refusal() == FailureCode.UNAVAILABLE) {
                  again(force);
                } else if (resumed.isRefused()) {
                  keepAside(localEpoch, force);
                } else {
                  append(after(resumed.sequence()), localEpoch, force);
                }
              });
    }
  }

  private List<SimRecord> after(long sequence) {
    return journal.stream().filter(record -> record.sequence() > sequence).toList();
  }

  private void append(List<SimRecord> tail, long localEpoch, boolean force) {
    if (tail.isEmpty()) {
      closeAndKeepAside(localEpoch, force);
      return;
    }
    long on = session;
    request(
        reply -> appliance.append(on, tail.get(0), reply),
        answer -> {
          if (answer.refusal() == FailureCode.UNAVAILABLE) {
            again(force);
          } else if (answer.isRefused()) {
            closeAndKeepAside(localEpoch, force);
          } else {
            append(tail.subList(1, tail.size()), localEpoch, force);
          }
        });
  }

  private void closeAndKeepAside(long localEpoch, boolean force) {
    long on = session;
    request(
        reply -> appliance.close(on, localEpoch, reply),
        closed -> {
          if (closed.refusal() == FailureCode.UNAVAILABLE) {
            again(force);
          } else {
            keepAside(localEpoch, force);
          }
        });
  }

  private void keepAside(long localEpoch, boolean force) {
    request(
        reply -> appliance.lastAccepted(localEpoch, reply),
        accepted -> {
          if (accepted.isRefused()) {
            again(force);
          } else {
            keepAside(after(accepted.sequence()), force);
          }
        });
  }

  private void keepAside(List<SimRecord> late, boolean force) {
    if (late.isEmpty()) {
      for (SimRecord record : journal) {
        history.handedOver(record, appliance.disk);
      }
      take(force);
      return;
    }
    request(
        reply -> appliance.keepAside(late.get(0), reply),
        kept -> {
          if (kept.isRefused()) {
            again(force);
          } else {
            keepAside(late.subList(1, late.size()), force);
          }
        });
  }

  private void take(boolean force) {
    long on = session;
    request(
        reply -> appliance.open(on, name, force, reply),
        granted -> {
          if (granted.isRefused()) {
            again(force);
          } else {
            mounted(granted);
          }
        });
  }

  private void mounted(Answer granted) {
    boolean reuses = world.has(Fault.REUSED_SEQUENCE) && copy != null;
    if (!reuses
        && !CatchUp.isHead(copy, trusted, granted.sequence(), SimRecord.bytes(granted.hash()), 0)) {
      copy = at(granted.epoch(), granted.sequence(), granted.hash());
    }
    trusted = true;
    journal.clear();
    epoch = granted.epoch();
    position = at(epoch, copy.sequence(), SimRecord.text(copy.hash()));
    protocol = new NodeProtocol(position.sequence());
    batches = 0;
    sentThrough = position.sequence();
    owned.clear();
    long known = Math.min(position.sequence(), appliance.disk.lastSequence());
    owned.addAll(appliance.disk.pagesAt((int) known).keySet());
    attached = true;
    phase = Phase.MOUNTED;
    work(life);
  }

  private static OverlayPosition at(long epoch, long sequence, String hash) {
    return new OverlayPosition(
        SimRecord.NODE, epoch, sequence, SimRecord.bytes(hash), "debian", 1, 1, 1);
  }

  // ---- the connection ----

  private void lost(long connection) {
    if (connection == 0 || connection != session) {
      return;
    }
    dead.add(connection);
    world.after(world.below(3_000), () -> appliance.disconnected(connection));
    if (phase != Phase.MOUNTED) {
      again(world.chance(0.5));
      return;
    }
    attached = false;
    session = 0;
    List<Consumer<Answer>> failed = List.copyOf(appends.values());
    failed.forEach(each -> each.accept(Answer.refused(FailureCode.UNAVAILABLE)));
    reconnect(life);
  }

  private void reconnect(int of) {
    world.after(
        50 + world.below(1_000),
        () -> {
          if (of == life && session == 0) {
            connect();
            resume(session);
          }
        });
  }

  private void resume(long on) {
    long of = epoch;
    request(
        reply -> appliance.resume(on, of, name, reply),
        answer -> {
          if (answer.refusal() == FailureCode.STALE_EPOCH) {
            fenced(0, answer);
          } else if (answer.isRefused()) {
            world.after(100 + world.below(1_000), () -> resumeAgain(on));
          } else {
            attached = true;
          }
        });
  }

  private void resumeAgain(long on) {
    if (on == session && phase == Phase.MOUNTED) {
      resume(on);
    }
  }

  // ---- work ----

  private void work(int of) {
    world.after(
        1 + world.below(world.chance(0.1) ? 1_500 : 60),
        () -> {
          if (of != life || phase != Phase.MOUNTED) {
            return;
          }
          if (protocol.isFenced() && world.chance(0.2)) {
            // The operator mounts again.
            again(false);
            return;
          }
          switch (world.below(6)) {
            case 0, 1, 2 -> write(world.below(PAGES));
            case 3, 4 -> seal();
            default -> fsync();
          }
          work(of);
        });
  }

  /** A page that needs more room than is granted is refused before anything is done. */
  private void write(int page) {
    boolean bound = !world.has(Fault.IGNORED_GRANT) && !world.has(Fault.UNBOUND_GRANT);
    if (bound && !owned.contains(page) && owned.size() >= appliance.grantedPages()) {
      return;
    }
    owned.add(page);
    open.put(page, world.below(1_000_000));
  }

  private void seal() {
    if (open.isEmpty() || protocol.unacknowledged() > 40) {
      return;
    }
    SimRecord record =
        SimRecord.seal(epoch, position.sequence() + 1, SimRecord.text(position.hash()), open);
    history.sealed(record, open.size());
    open.clear();
    journal.add(record);
    position = at(epoch, record.sequence(), record.hash());
    lastSealed = record;
    step(new Event.Sealed(batches++, record.sequence(), 1));
  }

  private void fsync() {
    seal();
    if (lastSealed != null && open.isEmpty()) {
      fsyncs.add(new Fsync(batches - 1, lastSealed, world.nowMillis()));
      returnFsyncs();
    }
  }

  private void returnFsyncs() {
    for (Iterator<Fsync> each = fsyncs.iterator(); each.hasNext(); ) {
      Fsync fsync = each.next();
      boolean early =
          world.has(Fault.EARLY_ACKNOWLEDGEMENT) && sentThrough >= fsync.last.sequence();
      if (early || protocol.isAcknowledged(fsync.batch)) {
        each.remove();
        history.fsynced(fsync.last, appliance.disk);
      }
    }
  }

  private void step(Event event) {
    for (Effect effect : protocol.step(event)) {
      if (effect instanceof Effect.Send send) {
        sentThrough = Math.max(sentThrough, send.sequence());
        int of = life;
        world.after(
            0,
            () -> {
              if (of == life) {
                send(send);
              }
            });
      } else if (effect instanceof Effect.Pause pause) {
        int of = life;
        world.after(
            pause.millis(),
            () -> {
              if (of == life) {
                step(new Event.PauseOver(pause.pause()));
              }
            });
      }
    }
    world.visited(
        List.of(
                "node",
                event.getClass().getSimpleName(),
                attached,
                protocol.isFenced(),
                Math.min(12, protocol.unacknowledged()),
                appends.size(),
                protocol.failure() == null)
            .hashCode());
    returnFsyncs();
  }

  private void send(Effect.Send send) {
    if (!protocol.isWanted(send.attempt()) || !attached) {
      step(new Event.Failed(send.attempt(), "not sent"));
      return;
    }
    SimRecord record =
        journal.stream().filter(each -> each.sequence() == send.sequence()).findFirst().get();
    int of = life;
    long on = session;
    Consumer<Answer> once =
        answer -> {
          if (of == life && appends.remove(send.attempt()) != null) {
            answered(send, record, answer);
          }
        };
    appends.put(send.attempt(), once);
    transmit(reply -> appliance.append(on, record, reply), once, on);
  }

  private void answered(Effect.Send send, SimRecord record, Answer answer) {
    if (!answer.isRefused()) {
      step(new Event.Answered(send.attempt()));
    } else if (answer.refusal().endsLease()
        || (answer.refusal() == FailureCode.GAP && world.has(Fault.GAP_ENDS_LEASE))) {
      fenced(send.attempt(), answer);
    } else if (answer.refusal() == FailureCode.GAP && session != 0) {
      askWhetherItStands(send, record);
    } else {
      step(new Event.Failed(send.attempt(), answer.refusal().name()));
    }
  }

  private void fenced(long attempt, Answer refusal) {
    History.fenced(epoch, refusal.epoch());
    step(new Event.Fenced(attempt, refusal.refusal().name()));
  }

  private void askWhetherItStands(Effect.Send send, SimRecord record) {
    int of = life;
    boolean[] answered = {false};
    transmit(
        appliance::position,
        at -> {
          if (of == life && !answered[0]) {
            answered[0] = true;
            boolean stands =
                !at.isRefused()
                    && CatchUp.stands(
                        record.record(),
                        SimRecord.bytes(record.hash()),
                        at.epoch(),
                        at.sequence(),
                        SimRecord.bytes(at.hash()));
            step(
                stands
                    ? new Event.Answered(send.attempt())
                    : new Event.Failed(send.attempt(), "GAP"));
          }
        },
        session);
  }
}
