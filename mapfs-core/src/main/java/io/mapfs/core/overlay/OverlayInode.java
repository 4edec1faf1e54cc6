package io.mapfs.core.overlay;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import io.mapfs.core.journal.InodeState;
import java.util.SortedMap;
import org.agrona.collections.Long2ObjectHashMap;
import org.agrona.collections.LongHashSet;

/**
 * An inode that the overlay has its own record of, as it is now: the fields of {@link InodeState},
 * and what of them no sealed record has yet.
 *
 * <p>Protected by its own monitor, taken under the tree lock; under the tree lock held exclusively
 * the monitor is not needed.
 */
final class OverlayInode {
  /** Stands for "not truncated in this batch". */
  static final long NOT_TRUNCATED = Long.MAX_VALUE;

  final long ino;
  final FileType type;
  boolean ownAttributes;
  boolean ownData;
  boolean ownXattrs;
  int permissions;
  int uid;
  int gid;
  int nlinkDelta;
  int rdev;
  long sizeBytes;
  FileTime atime = FileTime.EPOCH;
  FileTime mtime = FileTime.EPOCH;
  FileTime ctime = FileTime.EPOCH;
  FileTime btime = FileTime.EPOCH;
  byte[] symlinkTarget;
  int baseVersion;
  long baseLimitBytes;
  long parentIno;

  /** The own xattr set; {@code null} while it is inherited or not loaded. */
  SortedMap<Name, byte[]> xattrs;

  /** Own extents by block; {@code null} while not loaded. */
  Long2ObjectHashMap<BlockExtent> extents;

  /** Pages that count against the quota, those of extents that are not loaded included. */
  long ownedPages;

  /** Rises with each write into a page in place, which changes no extent. */
  long inPlaceWrites;

  /** Whether a sealed record, or a batch on its way to become one, has put it. */
  boolean stored;

  /** Whether the open batch lists it. */
  boolean inBatch;

  boolean stateDirty;
  boolean xattrsDirty;
  long truncatedPage = NOT_TRUNCATED;
  final LongHashSet dirtyBlocks = new LongHashSet();

  /**
   * The last batch that was cut with changes of it; it may not be evicted before that is applied.
   */
  long lastCut = -1;

  /** Used since the last round of eviction. */
  boolean referenced = true;

  /** O_TMPFILE without O_EXCL: may be linked although it has no name. */
  boolean linkable;

  /** Dropped: nobody may use it any more. */
  boolean dropped;

  OverlayInode(long ino, FileType type) {
    this.ino = ino;
    this.type = type;
  }

  static OverlayInode of(long ino, InodeState state, long ownedPages) {
    OverlayInode inode = new OverlayInode(ino, state.type());
    inode.ownAttributes = state.ownAttributes();
    inode.ownData = state.ownData();
    inode.ownXattrs = state.ownXattrs();
    inode.permissions = state.permissions();
    inode.uid = state.uid();
    inode.gid = state.gid();
    inode.nlinkDelta = state.nlinkDelta();
    inode.rdev = state.rdev();
    inode.sizeBytes = state.sizeBytes();
    inode.atime = state.atime();
    inode.mtime = state.mtime();
    inode.ctime = state.ctime();
    inode.btime = state.btime();
    inode.symlinkTarget = state.symlinkTarget();
    inode.baseVersion = state.baseVersion();
    inode.baseLimitBytes = state.baseLimitBytes();
    inode.parentIno = state.parentIno();
    inode.ownedPages = ownedPages;
    inode.stored = true;
    return inode;
  }

  InodeState toState() {
    return new InodeState(
        type,
        ownAttributes,
        ownData,
        ownXattrs,
        permissions,
        uid,
        gid,
        nlinkDelta,
        rdev,
        sizeBytes,
        atime,
        mtime,
        ctime,
        btime,
        symlinkTarget,
        baseVersion,
        baseLimitBytes,
        parentIno);
  }

  BlockExtent extent(long block) {
    BlockExtent extent = extents.get(block);
    return extent == null ? BlockExtent.NONE : extent;
  }
}
