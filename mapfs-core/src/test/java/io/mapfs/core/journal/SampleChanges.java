package io.mapfs.core.journal;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.NodeId;
import java.util.List;
import java.util.TreeMap;

/** Values that show every field of every kind of change, for codec tests and golden files. */
public final class SampleChanges {
  private static final long OVERLAY_INO = NodeId.FIRST_OVERLAY_INO + 7;

  private SampleChanges() {}

  public static InodeState inode() {
    return new InodeState(
        FileType.REGULAR,
        true,
        true,
        false,
        04755,
        1000,
        -2,
        -1,
        0,
        12_345,
        new FileTime(1_700_000_000L, 1),
        new FileTime(-5, 999_999_999),
        new FileTime(1_700_000_001L, 2),
        FileTime.EPOCH,
        null,
        3,
        8_192,
        0);
  }

  public static InodeState symlink() {
    FileTime time = new FileTime(1_700_000_000L, 0);
    return new InodeState(
        FileType.SYMLINK,
        true,
        true,
        true,
        0777,
        0,
        0,
        1,
        0,
        3,
        time,
        time,
        time,
        time,
        new byte[] {'/', 'e', (byte) 0xFF},
        0,
        0,
        0);
  }

  /** In canonical order, every kind once or twice. */
  public static List<Change> all() {
    TreeMap<Name, byte[]> xattrs = new TreeMap<>();
    xattrs.put(Name.of("user.empty"), new byte[0]);
    xattrs.put(Name.of("security.capability"), new byte[] {1, 2, 3});
    byte[] hashes = new byte[2 * Change.WritePages.HASH_BYTES];
    for (int i = 0; i < hashes.length; i++) {
      hashes[i] = (byte) i;
    }
    Name raw = Name.of(new byte[] {'n', (byte) 0xC3, 0x28});
    return List.of(
        new Change.DropInode(OVERLAY_INO + 1),
        new Change.PutInode(42, inode()),
        new Change.PutInode(OVERLAY_INO, symlink()),
        new Change.PutXattrs(42, xattrs),
        new Change.TruncatePages(42, 3),
        new Change.ZeroPages(42, 0, 1),
        new Change.WritePages(42, 1, hashes),
        new Change.PutBlock(42, 0, null),
        new Change.PutBlock(42, 1, new BlockId(1, 2, 3, -4)),
        new Change.PutDentry(1, raw, OVERLAY_INO, FileType.SYMLINK, 9),
        new Change.PutWhiteout(1, Name.of("gone")),
        new Change.DropDentry(1, Name.of("shows again")));
  }

  public static JournalRecord record() {
    byte[] previous = new byte[JournalRecord.HASH_BYTES];
    previous[0] = (byte) 0xAB;
    previous[31] = (byte) 0xCD;
    return new JournalRecord("web01", 5, 17, previous, 1_700_000_000_123L, all());
  }
}
