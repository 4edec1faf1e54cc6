package io.mapfs.server.overlay;

import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.InodeState;
import io.mapfs.core.journal.JournalRecord;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Where an overlay's rows stand; written in one batch with them.
 *
 * <pre>
 *   u8 1 | u64 sequence | 32 bytes hash | u64 headEpoch | u32 version | u64 entries | u64 ownBytes
 *        | u64 nextIno | u64 nextCookie | u8 forward | if 1: u64 target, u32 version,
 *          u64 epoch, u64 entries, u64 ownBytes
 *        | u64 createdInodes
 * </pre>
 *
 * @param sequence last record that was folded
 * @param hash that record's
 * @param headEpoch epoch under which the head last changed by other means than records
 * @param version the version that the overlay stands on
 * @param entries live inode rows and whiteouts
 * @param ownBytes content bytes of live block rows
 * @param nextIno lowest overlay inode number never used; a rollback does not lower it
 * @param nextCookie lowest directory cookie never used; likewise
 * @param forward a rollback that was begun and is to be completed; {@code null} for none
 * @param createdInodes live inodes of the overlay's own range; {@link #NOT_COUNTED} in what an
 *     earlier release wrote
 */
public record HeadPosition(
    long sequence,
    byte[] hash,
    long headEpoch,
    int version,
    long entries,
    long ownBytes,
    long nextIno,
    long nextCookie,
    Forward forward,
    long createdInodes) {
  /** Stands for a number of created inodes that nobody counted. */
  static final long NOT_COUNTED = -1;

  private static final byte FORMAT = 1;
  private static final int FORWARD_BYTES = Integer.BYTES + 4 * Long.BYTES;
  private static final int FIXED_BYTES =
      1 + Long.BYTES + JournalRecord.HASH_BYTES + Long.BYTES + Integer.BYTES + 4 * Long.BYTES + 1;

  /**
   * The head is being made equal to an older sequence, at {@code sequence + 1}.
   *
   * @param target the older sequence
   * @param version that it stood on
   * @param epoch under which this is done
   * @param entries that it had
   * @param ownBytes that it had
   */
  public record Forward(long target, int version, long epoch, long entries, long ownBytes) {}

  /** An overlay that nobody ever wrote. */
  static HeadPosition fresh(int version) {
    return new HeadPosition(
        0,
        new byte[JournalRecord.HASH_BYTES],
        0,
        version,
        0,
        0,
        NodeId.FIRST_OVERLAY_INO,
        1,
        null,
        0);
  }

  HeadPosition withForward(Forward newForward) {
    return new HeadPosition(
        sequence,
        hash,
        headEpoch,
        version,
        entries,
        ownBytes,
        nextIno,
        nextCookie,
        newForward,
        createdInodes);
  }

  HeadPosition withCreatedInodes(long count) {
    return new HeadPosition(
        sequence, hash, headEpoch, version, entries, ownBytes, nextIno, nextCookie, forward, count);
  }

  /** What counts of it against the overlay's grant: own pages and created inodes. */
  public long usedBytes() {
    return ownBytes + createdInodes * InodeState.QUOTA_BYTES;
  }

  byte[] encode() {
    ByteBuffer buffer =
        ByteBuffer.allocate(FIXED_BYTES + (forward == null ? 0 : FORWARD_BYTES) + Long.BYTES)
            .put(FORMAT)
            .putLong(sequence)
            .put(hash)
            .putLong(headEpoch)
            .putInt(version)
            .putLong(entries)
            .putLong(ownBytes)
            .putLong(nextIno)
            .putLong(nextCookie)
            .put((byte) (forward == null ? 0 : 1));
    if (forward != null) {
      buffer
          .putLong(forward.target())
          .putInt(forward.version())
          .putLong(forward.epoch())
          .putLong(forward.entries())
          .putLong(forward.ownBytes());
    }
    return buffer.putLong(createdInodes).array();
  }

  static HeadPosition decode(byte[] value) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(value);
    byte format = value.length < FIXED_BYTES ? -1 : buffer.get();
    if (format != FORMAT) {
      throw new IOException("an overlay's position is of format " + format + ", not " + FORMAT);
    }
    long sequence = buffer.getLong();
    byte[] hash = new byte[JournalRecord.HASH_BYTES];
    buffer.get(hash);
    return new HeadPosition(
        sequence,
        hash,
        buffer.getLong(),
        buffer.getInt(),
        buffer.getLong(),
        buffer.getLong(),
        buffer.getLong(),
        buffer.getLong(),
        buffer.get() == 0
            ? null
            : new Forward(
                buffer.getLong(),
                buffer.getInt(),
                buffer.getLong(),
                buffer.getLong(),
                buffer.getLong()),
        buffer.hasRemaining() ? buffer.getLong() : NOT_COUNTED);
  }
}
