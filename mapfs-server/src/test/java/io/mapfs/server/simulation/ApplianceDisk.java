package io.mapfs.server.simulation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What the appliance has written, and what of it a power cut would leave: journal, rows, blocks,
 * epochs, late tails of one overlay. A record is known to the disk while the journal or the rows
 * have it.
 */
final class ApplianceDisk {
  private final World world;

  /** Records that are written, by sequence from 1 on; folded ones stay for the checker. */
  private final List<SimRecord> records = new ArrayList<>();

  /** How many of them are synced in the journal. */
  private int syncedRecords;

  /** The journal begins after this record. */
  private int droppedThrough;

  /** The rows stand at this record; a sync makes that durable. */
  private int folded;

  private int syncedFolded;

  /** Blocks by name; whether they are synced. */
  private final Map<String, Boolean> blocks = new HashMap<>();

  private long epoch;

  /** The head's last record when each epoch began. */
  private final TreeMap<Long, Long> epochStarts = new TreeMap<>();

  /** Late records that are kept aside, synced. */
  private final Set<String> lateTails = new HashSet<>();

  ApplianceDisk(World world) {
    this.world = world;
  }

  // ---- journal ----

  void write(SimRecord record) {
    if (record.sequence() != records.size() + 1) {
      throw new IllegalStateException(record + " is written after " + records.size());
    }
    records.add(record);
  }

  void sync() {
    syncedRecords = records.size();
  }

  void cutAfter(long sequence) {
    records.subList((int) sequence, records.size()).clear();
    syncedRecords = Math.min(syncedRecords, records.size());
  }

  long lastSequence() {
    return records.size();
  }

  long syncedSequence() {
    return Math.max(syncedRecords, syncedFolded);
  }

  /** The hash of a record, whether the journal has it or not any more; {@code null} if lost. */
  String hash(long sequence) {
    if (sequence > records.size()) {
      return null;
    }
    return sequence == 0 ? SimRecord.none() : records.get((int) sequence - 1).hash();
  }

  /** The hash of a record that the journal still has; {@code null} if not. */
  String journalHash(long sequence) {
    return sequence <= droppedThrough || sequence > records.size() ? null : hash(sequence);
  }

  /** The hash of what would stand there after a power cut now; {@code null} for nothing. */
  String hashAfterPowerCut(long sequence) {
    return sequence > syncedSequence() ? null : hash(sequence);
  }

  List<SimRecord> everyRecord() {
    return List.copyOf(records);
  }

  // ---- folding ----

  /** Blocks are named after the page and its content. */
  private static String block(Map.Entry<Integer, Integer> page) {
    return page.getKey() + "=" + page.getValue();
  }

  Map<Integer, Integer> pagesAt(int sequence) {
    Map<Integer, Integer> pages = new TreeMap<>();
    records.subList(0, sequence).forEach(record -> record.applyTo(pages));
    return pages;
  }

  /** Folds up to a durable record: blocks first, synced, then the rows that name them. */
  void fold(long through) {
    for (Map.Entry<Integer, Integer> page : pagesAt((int) through).entrySet()) {
      blocks.put(block(page), true);
    }
    folded = (int) through;
  }

  /** Removes what the journal has twice; the rows are synced before, unless that is planted. */
  void tidy() {
    if (!world.has(Fault.EARLY_TIDYING)) {
      syncedFolded = folded;
    }
    droppedThrough = folded;
  }

  /** Removes blocks that neither the rows nor what a power cut would leave of them name. */
  void sweep() {
    Set<String> named = new HashSet<>();
    pagesAt(folded).entrySet().forEach(page -> named.add(block(page)));
    pagesAt(syncedFolded).entrySet().forEach(page -> named.add(block(page)));
    if (world.has(Fault.LOST_BLOCK) && !named.isEmpty()) {
      named.remove(named.iterator().next());
    }
    blocks.keySet().retainAll(named);
  }

  /** A block that the rows name and that is not there; {@code null} for none. */
  String missingBlock() {
    for (Map.Entry<Integer, Integer> page : pagesAt(folded).entrySet()) {
      if (!blocks.containsKey(block(page))) {
        return block(page);
      }
    }
    return null;
  }

  /** The rows, and the journal on top. */
  Map<Integer, Integer> head() {
    Map<Integer, Integer> pages = pagesAt(folded);
    records
        .subList(Math.max(folded, droppedThrough), records.size())
        .forEach(record -> record.applyTo(pages));
    return pages;
  }

  int folded() {
    return folded;
  }

  // ---- epochs and tails ----

  void putEpoch(long newEpoch, long sequence) {
    epoch = newEpoch;
    epochStarts.put(newEpoch, sequence);
  }

  long durableEpochAfterCrash() {
    return epoch;
  }

  /** The last record that was accepted under an epoch, or a lower one. */
  long lastAccepted(long ofEpoch) {
    Map.Entry<Long, Long> next = epochStarts.higherEntry(ofEpoch);
    return next == null ? records.size() : next.getValue();
  }

  void keepAside(SimRecord record) {
    lateTails.add(record.hash());
  }

  boolean isKeptAside(SimRecord record) {
    return lateTails.contains(record.hash());
  }

  // ---- crashes ----

  /** The process dies; the kernel keeps what was written. What it finds, it syncs first. */
  void killed() {
    if (!world.has(Fault.UNSYNCED_RECOVERY)) {
      sync();
    }
  }

  /** What was not synced is gone, but for some of it that happened to reach the disk. */
  void powerCut() {
    int first = Math.max(syncedRecords, syncedFolded);
    int lucky = first + world.below(records.size() - first + 1);
    if (droppedThrough > Math.max(syncedFolded, 0)) {
      // The journal was dropped before the rows were on disk.
      lucky = syncedFolded;
    }
    records.subList(lucky, records.size()).clear();
    syncedRecords = records.size();
    folded = Math.min(syncedFolded, folded);
    droppedThrough = Math.min(droppedThrough, folded);
  }
}
