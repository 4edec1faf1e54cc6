package io.mapfs.core.journal;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;

/**
 * An overlay's own record of an inode: what differs from the version, and nothing else.
 *
 * <p>Three groups are each <em>own</em> or <em>inherited</em>:
 *
 * <ul>
 *   <li>attributes: permissions, uid, gid, btime, rdev, link target
 *   <li>data: size, mtime and extents. A regular file's own data still inherits the blocks that it
 *       never wrote, below {@link #baseLimitBytes}, from {@link #baseVersion}. For a directory,
 *       mtime.
 *   <li>xattrs: the whole set, kept apart (see {@link Change.PutXattrs})
 * </ul>
 *
 * An inode born in the overlay owns all three. Fields of an inherited group hold zero values. ctime
 * and the link count's difference are own in every record.
 *
 * @param type the file's type; the same as in the version for an inherited inode
 * @param nlinkDelta link count minus the version's (minus 0 for an inode born here); so an update
 *     of the version below keeps counts right
 * @param rdev device number in the kernel's 32-bit encoding
 * @param atime last access as far as the overlay tracks it (relatime); never a difference by itself
 * @param symlinkTarget of a symlink born here; else {@code null}
 * @param baseVersion number of the version that unwritten blocks come from; 0 for none
 * @param baseLimitBytes content of the base visible below this offset only: the smallest size that
 *     the file had since its data became own
 * @param parentIno for a directory that was born here or moved: its parent; else 0
 */
public record InodeState(
    FileType type,
    boolean ownAttributes,
    boolean ownData,
    boolean ownXattrs,
    int permissions,
    int uid,
    int gid,
    int nlinkDelta,
    int rdev,
    long sizeBytes,
    FileTime atime,
    FileTime mtime,
    FileTime ctime,
    FileTime btime,
    byte[] symlinkTarget,
    int baseVersion,
    long baseLimitBytes,
    long parentIno) {

  /** What an own inode counts against a quota, its names and attributes included. */
  public static final int QUOTA_BYTES = 512;
}
