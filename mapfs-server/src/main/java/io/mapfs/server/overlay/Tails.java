package io.mapfs.server.overlay;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.MalformedRecordException;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.text.Sizes;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.server.store.ApplianceStore;
import io.mapfs.server.store.ControlChange;
import io.mapfs.server.store.ControlRecords.EpochRecord;
import io.mapfs.server.store.ControlRecords.NodeRecord;
import io.mapfs.server.store.ControlRecords.TailRecord;
import io.mapfs.server.store.ControlStore;
import io.mapfs.server.store.ControlTable;
import io.mapfs.server.store.Names;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Late tails: records that nodes sealed under epochs that were over when they came. Each unbroken
 * run of them lies in a journal of its own until the administrator drops it; none is ever merged.
 * Safe for concurrent use.
 */
public final class Tails implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(Tails.class);

  /**
   * What late tails of a node may take beyond its quota: it may have written over the same pages
   * again and again.
   */
  private static final long SLACK_BYTES = 1L << 30;

  private final ApplianceStore store;
  private final ControlStore control;
  private final Overlays overlays;
  private final long slackBytes;

  /** Journals in use, by node and tail number; protected by this. */
  private final Map<String, JournalLog> open = new HashMap<>();

  public Tails(ApplianceStore store, Overlays overlays) {
    this(store, overlays, SLACK_BYTES);
  }

  /**
   * @param slackBytes what those of one node may take beyond its quota
   */
  Tails(ApplianceStore store, Overlays overlays, long slackBytes) {
    this.store = store;
    this.overlays = overlays;
    this.control = store.control();
    this.slackBytes = slackBytes;
  }

  /**
   * A tail and what it holds.
   *
   * @param lastSequence that of its last record
   * @param bytes of its journal
   */
  public record Tail(TailRecord record, long lastSequence, long bytes) {}

  // ---- taking ----

  /**
   * Keeps a record aside: behind the tail that it follows, or as the first of a new one. One that
   * is there already is left alone.
   */
  public synchronized void append(NodeRecord node, JournalRecord record, List<ByteBuffer> pages)
      throws IOException, ApplianceException {
    long bytes = 0;
    for (ByteBuffer page : pages) {
      bytes += page.remaining();
    }
    store.space().require(bytes);
    try {
      OverlayJournal.requireCanonical(record);
      RecordCodec.verifyPages(record.changes(), pages);
    } catch (MalformedRecordException e) {
      throw new ApplianceException(
          FailureCode.CORRUPT,
          node.name() + ": record " + record.sequence() + ": " + e.getMessage(),
          e);
    }
    byte[] encoded = RecordCodec.encode(record);
    byte[] hash = RecordCodec.hash(ByteBuffer.wrap(encoded));
    JournalLog log = null;
    for (TailRecord tail : records(node.name())) {
      if (tail.epoch() == record.epoch()) {
        JournalLog candidate = log(node, tail);
        if (Arrays.equals(candidate.hashAt(record.sequence()), hash)) {
          return;
        }
        if (candidate.lastSequence() + 1 == record.sequence()
            && Arrays.equals(candidate.hashAt(candidate.lastSequence()), record.previousHash())) {
          log = candidate;
        }
      }
    }
    requireRoom(node, bytes + encoded.length);
    if (log == null) {
      log = log(node, begin(node, record));
    }
    log.write(record, encoded, hash, pages, log.lastSequence());
    log.sync();
  }

  /** The node keeps what is refused here; nothing else bounds what a fenced one sends. */
  private void requireRoom(NodeRecord node, long bytes) throws IOException, ApplianceException {
    if (node.quotaBytes() == 0) {
      return;
    }
    long kept = 0;
    for (TailRecord tail : records(node.name())) {
      kept += log(node, tail).storedBytes();
    }
    if (kept + bytes - slackBytes > node.quotaBytes()) {
      throw new ApplianceException(
          FailureCode.NO_SPACE,
          node.name()
              + " has "
              + Sizes.format(kept)
              + " of late tails, as much as is kept: look at them and drop some (mapfs node tail)");
    }
  }

  private TailRecord begin(NodeRecord node, JournalRecord record) throws IOException {
    EpochRecord epoch =
        control.get(ControlTable.EPOCHS, ControlTable.key(node.name(), record.epoch()));
    long number;
    do {
      number = control.nextId("tail/" + node.overlayId());
    } while (Files.exists(directory(node.name(), "t" + number)));
    TailRecord tail =
        new TailRecord(
            node.name(),
            number,
            "t" + number,
            record.epoch(),
            epoch == null ? null : epoch.host(),
            control.nowMillis(),
            record.sequence());
    control.commit(
        ControlChange.put(ControlTable.TAILS, ControlTable.key(node.name(), number), tail));
    LOG.warn(
        "{}: a late tail of epoch {} from record {} on is kept aside as {}",
        node.name(),
        tail.epoch(),
        tail.firstSequence(),
        tail.id());
    return tail;
  }

  /** The node's connection is gone: no more of its tails are expected. */
  public synchronized void release(String node) {
    Iterator<Map.Entry<String, JournalLog>> logs = open.entrySet().iterator();
    while (logs.hasNext()) {
      Map.Entry<String, JournalLog> log = logs.next();
      if (log.getKey().startsWith(node + "/")) {
        logs.remove();
        try {
          log.getValue().close();
        } catch (IOException e) {
          // Everything in it was synced.
          LOG.warn("cannot close late tail {}", log.getKey(), e);
        }
      }
    }
  }

  // ---- looking ----

  private List<TailRecord> records(String node) throws IOException {
    return control.list(ControlTable.TAILS, node + "/");
  }

  public int count(String node) throws IOException {
    return records(node).size();
  }

  public synchronized List<Tail> list(NodeRecord node) throws IOException {
    List<Tail> tails = new ArrayList<>();
    for (TailRecord tail : records(node.name())) {
      tails.add(tail(node, tail));
    }
    return tails;
  }

  public synchronized Tail find(NodeRecord node, String id) throws IOException, ApplianceException {
    List<String> ids = new ArrayList<>();
    for (TailRecord tail : records(node.name())) {
      if (tail.id().equals(id)) {
        return tail(node, tail);
      }
      ids.add(tail.id());
    }
    throw Names.notFound("late tail of " + node.name(), id, ids);
  }

  private Tail tail(NodeRecord node, TailRecord tail) throws IOException {
    JournalLog log = log(node, tail);
    return new Tail(tail, log.lastSequence(), log.storedBytes());
  }

  /** Takes records one by one. */
  @FunctionalInterface
  public interface RecordVisitor {
    /** Returns false to stop. */
    boolean visit(JournalRecord record) throws IOException;
  }

  /** The tail's records in order. */
  public synchronized void forEach(NodeRecord node, Tail tail, RecordVisitor visitor)
      throws IOException {
    JournalLog log = log(node, tail.record());
    boolean more = true;
    for (long at = tail.record().firstSequence(); more && at <= tail.lastSequence(); at++) {
      more = visitor.visit(log.read(at).record());
    }
  }

  /** Up to so many bytes of the tail's journal, from an offset on; none at its end. */
  public synchronized byte[] read(NodeRecord node, Tail tail, long offsetBytes, int mostBytes)
      throws IOException {
    return log(node, tail.record()).read(offsetBytes, mostBytes);
  }

  /** Tells every block that a record of any tail names; those of encrypted overlays name none. */
  public synchronized void forEachNamed(Consumer<BlockId> consumer) throws IOException {
    for (TailRecord record : control.list(ControlTable.TAILS, "")) {
      NodeRecord node = control.get(ControlTable.NODES, record.node());
      if (node != null && overlays.key(node.name()) == null) {
        forEach(
            node,
            tail(node, record),
            each -> {
              for (Change change : each.changes()) {
                if (change instanceof Change.PutBlock put && put.id() != null) {
                  consumer.accept(put.id());
                }
              }
              return true;
            });
      }
    }
  }

  // ---- dropping ----

  public synchronized void drop(NodeRecord node, Tail tail) throws IOException {
    control.commit(
        ControlChange.delete(
            ControlTable.TAILS, ControlTable.key(node.name(), tail.record().number())));
    JournalLog log = open.remove(key(tail.record()));
    if (log != null) {
      log.close();
    }
    Removal.remove(directory(node.name(), tail.record().id()));
    LOG.warn("{}: late tail {} was dropped", node.name(), tail.record().id());
  }

  private static String key(TailRecord tail) {
    return ControlTable.key(tail.node(), tail.number());
  }

  private Path directory(String node, String id) {
    return directory(store.overlayDirectory(node)).resolve(id);
  }

  /** Where the late tails of a node are, by the node's own directory. */
  static Path directory(Path node) {
    return node.resolve("tails");
  }

  private JournalLog log(NodeRecord node, TailRecord tail) throws IOException {
    JournalLog log = open.get(key(tail));
    if (log == null) {
      log =
          JournalLog.open(
              directory(node.name(), tail.id()),
              node.overlayId(),
              tail.firstSequence() - 1,
              overlays.key(node.name()));
      open.put(key(tail), log);
    }
    return log;
  }

  @Override
  public synchronized void close() throws IOException {
    for (JournalLog log : open.values()) {
      log.close();
    }
    open.clear();
  }
}
