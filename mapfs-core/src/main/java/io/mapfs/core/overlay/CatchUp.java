package io.mapfs.core.overlay;

import io.mapfs.core.journal.JournalRecord;
import java.util.Arrays;

/**
 * The rules by which a node that starts comes to stand where the appliance stands, before it may
 * number a record: what becomes of records that an earlier daemon sealed and did not get rid of,
 * and whether the local copy is the appliance's head. Pure; the node and a simulator ask it.
 */
public final class CatchUp {
  /** What becomes of an unsent tail. */
  public enum Tail {
    /** There is none: the appliance has every record that is here. */
    NONE,
    /** Its epoch is in force: its lease is taken up again, what follows the head is appended. */
    APPEND,
    /** Its epoch is over: the appliance keeps it aside. */
    KEEP_ASIDE
  }

  private CatchUp() {}

  /**
   * @param lastSequence last record that is here; 0 for none
   * @param epoch of the records that are here
   * @param applianceEpoch the epoch that is in force
   * @param applianceSequence the head's last record
   */
  public static Tail tail(
      long lastSequence, long epoch, long applianceEpoch, long applianceSequence) {
    if (lastSequence == 0) {
      return Tail.NONE;
    }
    if (epoch != applianceEpoch) {
      return Tail.KEEP_ASIDE;
    }
    return lastSequence <= applianceSequence ? Tail.NONE : Tail.APPEND;
  }

  /**
   * Whether a local copy is the head, so that records may follow it. Otherwise it is fetched.
   *
   * @param copy where the copy stands; {@code null} for none
   * @param trusted whether everything that it names can be read back
   * @param headEpoch epoch under which the head last changed by other means than this node's
   *     records
   */
  public static boolean isHead(
      OverlayPosition copy, boolean trusted, long sequence, byte[] hash, long headEpoch) {
    return copy != null && trusted && copy.isAt(sequence, hash) && headEpoch <= copy.epoch();
  }

  /**
   * Whether a record of a lease that is held stands at the appliance, which says that it is no
   * successor of what it has and too old to be compared: its answer was lost, and the journal has
   * been folded since. In an epoch nobody but its holder writes, and no number is used twice.
   *
   * @param hash the record's
   * @param epoch the epoch that is in force
   * @param sequence the appliance's last durable record, and its hash
   */
  public static boolean stands(
      JournalRecord record, byte[] hash, long epoch, long sequence, byte[] standingHash) {
    return record.epoch() == epoch
        && (record.sequence() < sequence
            || (record.sequence() == sequence && Arrays.equals(hash, standingHash)));
  }
}
