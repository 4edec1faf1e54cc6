package io.mapfs.server.overlay;

import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.RecordCodec;
import io.mapfs.core.wire.ApplianceException;
import io.mapfs.core.wire.FailureCode;
import io.mapfs.core.wire.Message;
import io.mapfs.core.wire.Protocol;
import io.mapfs.server.Session;
import io.mapfs.server.store.Failures;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Gives the head's rows out page by page. What a reader reads is pinned from its first page to its
 * last, so that only the first needs the fold lock.
 */
public final class HeadPages {
  private static final int ROWS_MAX = 8192;
  private static final int BYTES_MAX = 2 << 20;

  private final String node;
  private final long overlayId;
  private final OverlayHead head;
  private final OverlayRows rows;
  private final Retained retained;
  private final OwnBlocks own;

  HeadPages(
      String node,
      long overlayId,
      OverlayHead head,
      OverlayRows rows,
      Retained retained,
      OwnBlocks own) {
    this.node = node;
    this.overlayId = overlayId;
    this.head = head;
    this.rows = rows;
    this.retained = retained;
    this.own = own;
  }

  private static Object pin(Session reader) {
    return List.of("head", reader);
  }

  /** A page of the rows, from a cursor on; an empty one begins. */
  public Message.HeadRows read(Session reader, byte[] cursor) throws ApplianceException {
    Object pin = pin(reader);
    long sequence;
    RowKey after = null;
    if (cursor.length == 0) {
      sequence =
          head.withHead(
              position -> {
                retained.pin(pin, position.sequence());
                return position.sequence();
              });
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
    Page page = new Page(own, (reader.features() & Protocol.FEATURE_OWN_PAGES) != 0);
    try {
      rows.scanFrom(overlayId, after, sequence, page);
    } catch (IOException e) {
      throw Failures.of("cannot read the overlay of " + node, e);
    }
    if (page.last == null) {
      retained.unpin(pin);
      return new Message.HeadRows(sequence, page.changes, new byte[0]);
    }
    byte[] next = page.last.toBytes();
    return new Message.HeadRows(
        sequence,
        page.changes,
        ByteBuffer.allocate(Long.BYTES + next.length).putLong(sequence).put(next).array());
  }

  /** The reader is gone. */
  void leave(Session reader) {
    retained.unpin(pin(reader));
  }

  /** Collects rows as changes until it is full; {@code last} is then where it ended. */
  private static final class Page implements OverlayRows.Visitor {
    final List<Change> changes = new ArrayList<>();
    RowKey last;
    private final OwnBlocks own;
    private final boolean withOwnPages;
    private int bytes;

    Page(OwnBlocks own, boolean withOwnPages) {
      this.own = own;
      this.withOwnPages = withOwnPages;
    }

    @Override
    public boolean visit(RowKey key, Row row) throws IOException {
      Change change = RowChanges.change(key, row);
      if (change instanceof Change.PutBlock put && put.id() != null) {
        change =
            new Change.PutBlock(
                put.ino(),
                put.blockIndex(),
                own.id(put.id()),
                withOwnPages ? put.ownPages() : Change.PutBlock.ALL_PAGES);
      }
      changes.add(change);
      bytes += RecordCodec.encodedBytes(change);
      if (changes.size() >= ROWS_MAX || bytes >= BYTES_MAX) {
        last = key;
        return false;
      }
      return true;
    }
  }
}
