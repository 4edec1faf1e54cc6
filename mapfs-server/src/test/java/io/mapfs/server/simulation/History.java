package io.mapfs.server.simulation;

import io.mapfs.core.journal.Change;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What was promised, and the check that it is kept: the invariants of the design by their numbers
 * (7 and 9 here: its decision 7, that no record is refused which a node has applied, and no overlay
 * passes its grant; and 9, that trouble which passes does not end a lease or hang a program). It
 * sees the disks as they are, not what anyone believes of them.
 */
final class History {
  /** A promise that was broken. */
  static final class Violation extends AssertionError {
    private static final long serialVersionUID = 1L;

    Violation(int invariant, String what) {
      super("invariant " + invariant + ": " + what);
    }
  }

  /** Every record that was ever acknowledged, by anyone to anyone. */
  private final SortedMap<Long, String> acknowledged = new TreeMap<>();

  private final Map<Long, Long> acknowledgedEpochs = new HashMap<>();

  /** What nodes sealed, by epoch and sequence. */
  private final Map<String, String> sealed = new HashMap<>();

  private long grantedEpoch;
  private long fsyncs;

  /** A new epoch is announced: from here on nothing older is accepted. */
  void granted(long epoch, long sequence, String hash, ApplianceDisk disk) {
    if (epoch <= grantedEpoch) {
      throw new Violation(3, "epoch " + epoch + " is granted after epoch " + grantedEpoch);
    }
    if (disk.durableEpochAfterCrash() < epoch) {
      throw new Violation(3, "epoch " + epoch + " is announced before it is durable");
    }
    grantedEpoch = epoch;
    requireKept(sequence, hash, "what is granted");
  }

  /** The appliance takes a record in. */
  void accepted(SimRecord record) {
    if (record.epoch() < grantedEpoch) {
      throw new Violation(3, record + " is accepted after epoch " + grantedEpoch + " was granted");
    }
  }

  /** The appliance says that a record is durable. */
  void acknowledged(SimRecord record, ApplianceDisk disk) {
    String before = acknowledged.putIfAbsent(record.sequence(), record.hash());
    if (before != null && !before.equals(record.hash())) {
      throw new Violation(3, "two records are acknowledged at " + record.sequence());
    }
    acknowledgedEpochs.putIfAbsent(record.sequence(), record.epoch());
    long earlier = acknowledgedEpochs.getOrDefault(record.sequence() - 1, 0L);
    if (earlier > record.epoch()) {
      throw new Violation(3, "epochs fall at " + record.sequence());
    }
    requireDurable(record.sequence(), record.hash(), disk);
  }

  private static void requireDurable(long sequence, String hash, ApplianceDisk disk) {
    if (!hash.equals(disk.hashAfterPowerCut(sequence))) {
      throw new Violation(2, "record " + sequence + " is acknowledged and not durable");
    }
  }

  /** A node seals a record. */
  void sealed(SimRecord record, long dirtiedPages) {
    String key = record.epoch() + "/" + record.sequence();
    String before = sealed.putIfAbsent(key, record.hash());
    if (before != null && !before.equals(record.hash())) {
      throw new Violation(3, "number " + key + " is used for two records");
    }
    String acknowledgedHere = acknowledged.get(record.sequence());
    if (acknowledgedHere != null && record.epoch() >= grantedEpoch) {
      throw new Violation(3, record + " takes the number of one that was acknowledged");
    }
    double most = 1.1 * dirtiedPages * Change.PAGE_BYTES + 512;
    if (record.bytes() > most) {
      throw new Violation(8, record + " takes " + record.bytes() + " bytes, over " + most);
    }
  }

  /** The appliance refuses a record as more than its node was granted. */
  static void overdrawn(SimRecord record) {
    throw new Violation(7, record + ", which its node has applied, is refused for want of room");
  }

  /** What the appliance has of the overlay, at any moment. */
  static void requireGrant(ApplianceDisk disk, int grantedPages) {
    int pages = disk.head().size();
    if (pages > grantedPages) {
      throw new Violation(7, pages + " pages are the overlay's, of " + grantedPages + " granted");
    }
  }

  /** A node is rid of a record: the head has it, or it is kept aside. */
  void handedOver(SimRecord record, ApplianceDisk disk) {
    boolean inHead =
        record.sequence() <= disk.lastSequence()
            && record.hash().equals(disk.hash(record.sequence()));
    if (!inHead && !disk.isKeptAside(record)) {
      throw new Violation(3, record + " is neither in the head nor kept aside");
    }
  }

  /** A node takes a refusal for the end of its lease. */
  static void fenced(long epoch, long epochInForce) {
    if (epoch == epochInForce) {
      throw new Violation(9, "a node gives up epoch " + epoch + ", which is in force");
    }
  }

  /** Everything is healed since long: what is asked of a node that has its lease gets done. */
  static void requireProgress(String node, int waitingFsyncs) {
    if (waitingFsyncs > 0) {
      throw new Violation(9, waitingFsyncs + " fsyncs of " + node + " hang");
    }
  }

  /** A program's strict fsync has returned. */
  void fsynced(SimRecord last, ApplianceDisk disk) {
    fsyncs++;
    requireDurable(last.sequence(), last.hash(), disk);
    acknowledged(last, disk);
  }

  /** The appliance came up again, or the run ends. */
  void recovered(ApplianceDisk disk) {
    long last = disk.lastSequence();
    if (!acknowledged.isEmpty() && acknowledged.lastKey() > last) {
      throw new Violation(1, "record " + acknowledged.lastKey() + " is lost, " + last + " is last");
    }
    for (Map.Entry<Long, String> entry : acknowledged.entrySet()) {
      requireKept(entry.getKey(), entry.getValue(), "what was acknowledged");
      if (!entry.getValue().equals(disk.hash(entry.getKey()))) {
        throw new Violation(1, "record " + entry.getKey() + " is another one now");
      }
    }
    requirePrefix(disk);
  }

  private void requireKept(long sequence, String hash, String what) {
    String known = acknowledged.get(sequence);
    if (known != null && !known.equals(hash)) {
      throw new Violation(1, what + " at " + sequence + " is not what was acknowledged");
    }
  }

  /** The head is its journal's prefix, whole, whatever is replayed over it. */
  private static void requirePrefix(ApplianceDisk disk) {
    Map<Integer, Integer> expected = new TreeMap<>();
    List<SimRecord> all = disk.everyRecord();
    String previous = SimRecord.none();
    long sequence = 0;
    for (SimRecord record : all) {
      sequence++;
      if (record.sequence() != sequence || !record.previousHash().equals(previous)) {
        throw new Violation(1, record + " does not follow its predecessor");
      }
      previous = record.hash();
      record.applyTo(expected);
    }
    Map<Integer, Integer> head = disk.head();
    if (!head.equals(expected)) {
      throw new Violation(1, "the head is not the prefix up to " + sequence);
    }
    for (int from = Math.max(0, all.size() - 20); from < all.size(); from += 5) {
      Map<Integer, Integer> again = new TreeMap<>(head);
      all.subList(from, all.size()).forEach(record -> record.applyTo(again));
      if (!again.equals(head)) {
        throw new Violation(6, "replaying from " + from + " changes the head");
      }
    }
    String missing = disk.missingBlock();
    if (missing != null) {
      throw new Violation(4, "the head names block " + missing + ", which is gone");
    }
  }

  /** The head's blocks, at any moment. */
  static void requireBlocks(ApplianceDisk disk) {
    String missing = disk.missingBlock();
    if (missing != null) {
      throw new Violation(4, "the head names block " + missing + ", which is gone");
    }
  }

  long acknowledgedRecords() {
    return acknowledged.size();
  }

  long fsyncs() {
    return fsyncs;
  }
}
