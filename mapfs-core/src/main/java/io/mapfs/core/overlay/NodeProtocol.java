package io.mapfs.core.overlay;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The rules by which a node hands its sealed records over: what is sent when, what counts as
 * durable at the appliance, when an fsync may return. It knows no thread, clock, disk or network:
 * {@link #step} takes an event and gives the effects that its caller is to carry out, in order. The
 * node ({@link SealPipeline}) and a simulator run the same rules.
 *
 * <ul>
 *   <li>Records follow each other without a gap; a number is never used twice.
 *   <li>They are sent in order, several at once within a window. An answer to one is an answer to
 *       all before it, since the appliance takes them in order only.
 *   <li>After a failure nothing is sent until what is in flight has been answered and a pause is
 *       over; then everything from there on is sent again. Nothing is ever given up.
 *   <li>A fence ends it all: nothing is acknowledged after.
 * </ul>
 *
 * <p>Not safe for concurrent use.
 */
public final class NodeProtocol {
  /** Most records that are sent and not yet answered. */
  static final int WINDOW_RECORDS = 8;

  /** Most pages in them; one record may pass it. */
  static final int WINDOW_PAGES = 8_192;

  static final long PAUSE_MILLIS_MIN = 100;
  static final long PAUSE_MILLIS_MAX = 5_000;

  /** What happens. */
  public sealed interface Event {
    /** The next record is in the local journal. */
    record Sealed(long batch, long sequence, int pages) implements Event {}

    /** What was sent is durable at the appliance. */
    record Answered(long attempt) implements Event {}

    /** What was sent got no answer, or a refusal that may pass. */
    record Failed(long attempt, String why) implements Event {}

    /** Another epoch is in force. */
    record Fenced(long attempt, String why) implements Event {}

    /** A pause that was asked for is over. */
    record PauseOver(long pause) implements Event {}
  }

  /** What is to be done. */
  public sealed interface Effect {
    /** Send a record; report what came of it under the attempt's number, once. */
    record Send(long sequence, long attempt) implements Effect {}

    /** Everything up to this record is durable at the appliance; {@code pages} are new. */
    record Acknowledged(long batch, long sequence, int pages) implements Effect {}

    /** Report {@link Event.PauseOver} after so long. */
    record Pause(long pause, long millis) implements Effect {}
  }

  private static final class Pending {
    final long batch;
    final long sequence;
    final int pages;

    /** The present attempt's number; 0 while it waits to be sent. */
    long attempt;

    Pending(long batch, long sequence, int pages) {
      this.batch = batch;
      this.sequence = sequence;
      this.pages = pages;
    }
  }

  /** Sealed and not acknowledged, in order. */
  private final Deque<Pending> pending = new ArrayDeque<>();

  /** What was sent and not answered, by attempt, those that mean nothing any more included. */
  private final Map<Long, Pending> inFlight = new HashMap<>();

  private int inFlightPages;
  private long attempts;
  private long sealedSequence;
  private long acknowledgedSequence;
  private long acknowledgedBatch = -1;

  /** The pause that is waited for; 0 for none. */
  private long pause;

  private long pauses;
  private long pauseMillis;

  /** First record to be sent again after the pause. */
  private long againFrom;

  /** A pause is over, but what was in flight when it began is not answered yet. */
  private boolean draining;

  private String failure;
  private boolean fenced;

  /**
   * @param sequence the appliance's last record, on which this node's next one follows
   */
  public NodeProtocol(long sequence) {
    this.sealedSequence = sequence;
    this.acknowledgedSequence = sequence;
  }

  public List<Effect> step(Event event) {
    List<Effect> effects = new ArrayList<>();
    if (event instanceof Event.Sealed sealed) {
      sealed(sealed);
    } else if (event instanceof Event.Answered answered) {
      answered(answered, effects);
    } else if (event instanceof Event.Failed failed) {
      failed(failed, effects);
    } else if (event instanceof Event.Fenced fence) {
      fenced(fence);
    } else if (event instanceof Event.PauseOver over) {
      pauseOver(over);
    }
    send(effects);
    return effects;
  }

  private void sealed(Event.Sealed sealed) {
    if (sealed.sequence() != sealedSequence + 1) {
      throw new IllegalStateException(
          "record " + sealed.sequence() + " is sealed after record " + sealedSequence);
    }
    sealedSequence = sealed.sequence();
    pending.add(new Pending(sealed.batch(), sealed.sequence(), sealed.pages()));
  }

  /** The record of an attempt; {@code null} if that attempt means nothing any more. */
  private Pending take(long attempt) {
    Pending record = inFlight.remove(attempt);
    if (record == null) {
      return null;
    }
    inFlightPages -= record.pages;
    return record.attempt == attempt && !fenced ? record : null;
  }

  private void answered(Event.Answered answered, List<Effect> effects) {
    Pending record = take(answered.attempt());
    if (record == null || record.sequence <= acknowledgedSequence) {
      return;
    }
    failure = null;
    pauseMillis = 0;
    int pages = 0;
    while (!pending.isEmpty() && pending.peek().sequence <= record.sequence) {
      Pending done = pending.remove();
      acknowledgedSequence = done.sequence;
      acknowledgedBatch = done.batch;
      pages += done.pages;
    }
    effects.add(new Effect.Acknowledged(acknowledgedBatch, acknowledgedSequence, pages));
  }

  private void failed(Event.Failed failed, List<Effect> effects) {
    Pending record = take(failed.attempt());
    if (record == null || record.sequence <= acknowledgedSequence) {
      return;
    }
    failure = failed.why();
    for (Pending later : pending) {
      if (later.sequence >= record.sequence && later.attempt != 0) {
        later.attempt = -1;
      }
    }
    againFrom = pause == 0 ? record.sequence : Math.min(againFrom, record.sequence);
    pauseMillis = Math.min(Math.max(2 * pauseMillis, PAUSE_MILLIS_MIN), PAUSE_MILLIS_MAX);
    pause = ++pauses;
    effects.add(new Effect.Pause(pause, pauseMillis));
  }

  private void fenced(Event.Fenced fence) {
    take(fence.attempt());
    fenced = true;
    failure = fence.why();
  }

  private void pauseOver(Event.PauseOver over) {
    if (over.pause() != pause) {
      return;
    }
    pause = 0;
    for (Pending later : pending) {
      if (later.sequence >= againFrom) {
        later.attempt = 0;
      }
    }
    draining = !inFlight.isEmpty();
  }

  private void send(List<Effect> effects) {
    draining &= !inFlight.isEmpty();
    if (fenced || pause != 0 || draining) {
      return;
    }
    for (Pending record : pending) {
      if (inFlight.size() >= WINDOW_RECORDS || inFlightPages >= WINDOW_PAGES) {
        return;
      }
      if (record.attempt == 0) {
        record.attempt = ++attempts;
        inFlight.put(record.attempt, record);
        inFlightPages += record.pages;
        effects.add(new Effect.Send(record.sequence, record.attempt));
      }
    }
  }

  /** Whether it still matters what comes of an attempt: it is not worth sending otherwise. */
  public boolean isWanted(long attempt) {
    Pending record = inFlight.get(attempt);
    return record != null && record.attempt == attempt && !fenced;
  }

  /** Whether everything up to this batch is durable at the appliance: what an fsync waits for. */
  public boolean isAcknowledged(long batch) {
    return acknowledgedBatch >= batch;
  }

  /** The last batch that is durable at the appliance; -1 for none of this mount's. */
  public long acknowledgedBatch() {
    return acknowledgedBatch;
  }

  /** The last record that is durable at the appliance. */
  public long acknowledgedSequence() {
    return acknowledgedSequence;
  }

  /** The last record. */
  public long sealedSequence() {
    return sealedSequence;
  }

  /** Records that the appliance has not acknowledged. */
  public int unacknowledged() {
    return pending.size();
  }

  /** Whether another epoch is in force, so that nothing more will be acknowledged. */
  public boolean isFenced() {
    return fenced;
  }

  /** Why the last attempt failed; {@code null} if it did not. */
  public String failure() {
    return failure;
  }
}
