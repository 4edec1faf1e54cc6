package io.mapfs.core.overlay;

import io.mapfs.core.fs.NodeId;
import io.mapfs.core.journal.Change;
import io.mapfs.core.journal.JournalRecord;
import io.mapfs.core.journal.RecordCodec;
import java.util.Arrays;
import java.util.List;

/**
 * Where a copy of an overlay stands: which head it is, and where its record numbering goes on.
 *
 * @param node name of the node
 * @param epoch epoch of the mount that this copy belongs to
 * @param sequence last record that is in the copy; 0 for none
 * @param hash that record's hash; zeros for none
 * @param master the master that the overlay stands on
 * @param version and its version
 * @param nextIno lowest inode number of the overlay's own range that was never used
 * @param nextCookie lowest directory cookie that was never used
 */
public record OverlayPosition(
    String node,
    long epoch,
    long sequence,
    byte[] hash,
    String master,
    int version,
    long nextIno,
    long nextCookie) {

  /** The position of an overlay that holds nothing yet. */
  public static OverlayPosition empty(String node, long epoch, String master, int version) {
    return new OverlayPosition(
        node,
        epoch,
        0,
        new byte[JournalRecord.HASH_BYTES],
        master,
        version,
        NodeId.FIRST_OVERLAY_INO,
        1);
  }

  /** Whether both stand at the same record of the same overlay. */
  public boolean isAt(long otherSequence, byte[] otherHash) {
    return sequence == otherSequence && Arrays.equals(hash, otherHash);
  }

  /** The position after this record. */
  OverlayPosition after(JournalRecord record) {
    OverlayPosition used = using(record.changes());
    return new OverlayPosition(
        node,
        epoch,
        record.sequence(),
        RecordCodec.hash(record),
        master,
        version,
        used.nextIno,
        used.nextCookie);
  }

  /** The same position, knowing of the numbers that these changes use. */
  OverlayPosition using(List<Change> changes) {
    long ino = nextIno;
    long cookie = nextCookie;
    for (Change change : changes) {
      if (change instanceof Change.PutInode put && NodeId.isOverlayIno(put.ino())) {
        ino = Math.max(ino, put.ino() + 1);
      } else if (change instanceof Change.PutDentry put) {
        cookie = Math.max(cookie, put.cookie() + 1);
      }
    }
    return inEpoch(epoch, ino, cookie);
  }

  /** The same position in another epoch, knowing of used numbers. */
  OverlayPosition inEpoch(long newEpoch, long unusedIno, long unusedCookie) {
    return new OverlayPosition(
        node,
        newEpoch,
        sequence,
        hash,
        master,
        version,
        Math.max(nextIno, unusedIno),
        Math.max(nextCookie, unusedCookie));
  }
}
