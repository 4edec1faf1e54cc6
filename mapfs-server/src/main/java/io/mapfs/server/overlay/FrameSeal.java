package io.mapfs.server.overlay;

import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.seal.OverlaySeal;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The frames of an encrypted overlay's journal: record and pages are encrypted as one, bound to
 * their overlay and to the frame's header; the record's epoch stands before them.
 *
 * <pre>
 *   body: u64 epoch | nonce (12) | encrypted record and pages | tag (16)
 * </pre>
 */
final class FrameSeal {
  /** How much longer a body is than record and pages. */
  static final int OVERHEAD_BYTES = Long.BYTES + OverlaySeal.FRAME_OVERHEAD_BYTES;

  private final HeldKey key;

  FrameSeal(HeldKey key) {
    this.key = key;
  }

  /** The body of a frame with this header. */
  ByteBuffer seal(ByteBuffer header, long epoch, byte[] record, List<ByteBuffer> pages)
      throws IOException {
    List<ByteBuffer> parts = new ArrayList<>(pages.size() + 1);
    parts.add(ByteBuffer.wrap(record));
    parts.addAll(pages);
    ByteBuffer sealed = key.seal().sealFrame(place(header, epoch), parts);
    return ByteBuffer.allocate(Long.BYTES + sealed.remaining()).putLong(epoch).put(sealed).flip();
  }

  /** Record and pages of a frame; {@code null} if they are not what was sealed. */
  ByteBuffer open(ByteBuffer header, ByteBuffer body) throws IOException {
    return key.seal()
        .openFrame(place(header, epoch(body)), body.slice(Long.BYTES, body.limit() - Long.BYTES));
  }

  /** The record's epoch, which needs no key. */
  static long epoch(ByteBuffer body) {
    return body.getLong(0);
  }

  /** What of the header a body belongs to: lengths, sequence, hash. */
  private static byte[] place(ByteBuffer header, long epoch) {
    return ByteBuffer.allocate(4 + 4 + 8 + JournalRecord.HASH_BYTES + 8)
        .putInt(header.getInt(4))
        .putInt(header.getInt(8))
        .putLong(header.getLong(16))
        .put(header.slice(32, JournalRecord.HASH_BYTES))
        .putLong(epoch)
        .array();
  }
}
