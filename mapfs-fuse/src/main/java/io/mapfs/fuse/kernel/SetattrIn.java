package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.AttributeChange;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FsException;
import java.nio.ByteBuffer;

/**
 * {@code struct fuse_setattr_in}.
 *
 * <pre>
 *   0       4     8    16     24           32      40      48      56
 *  +-------+-----+----+------+------------+-------+-------+-------+
 *  | valid | pad | fh | size | lock_owner | atime | mtime | ctime |
 *  +-------+-----+----+--+---+---+--------++-----+-+---+--+-------+
 *  | atimensec | mtimensec | ctimensec | mode | - | uid | gid | - |
 *  +-----------+-----------+-----------+------+---+-----+-----+---+
 *  56          60          64          68     72  76    80    84  88
 * </pre>
 *
 * The kernel fills in the time of "now" too (fs/attr.c, notify_change), so that FATTR_*_NOW needs
 * no clock here, and the daemon's coarse times never run ahead of the kernel's.
 */
final class SetattrIn {
  static final int BYTES = 88;

  static final int FATTR_MODE = 1;
  static final int FATTR_UID = 1 << 1;
  static final int FATTR_GID = 1 << 2;
  static final int FATTR_SIZE = 1 << 3;
  static final int FATTR_ATIME = 1 << 4;
  static final int FATTR_MTIME = 1 << 5;
  static final int FATTR_FH = 1 << 6;
  static final int FATTR_CTIME = 1 << 10;
  static final int FATTR_KILL_SUIDGID = 1 << 11;

  private static final int PERMISSIONS_MASK = 07777;

  private SetattrIn() {}

  static AttributeChange change(ByteBuffer in, int at, boolean handles) throws FsException {
    int valid = in.getInt(at);
    return new AttributeChange(
        has(valid, FATTR_MODE) ? in.getInt(at + 68) & PERMISSIONS_MASK : null,
        has(valid, FATTR_UID) ? in.getInt(at + 76) : null,
        has(valid, FATTR_GID) ? in.getInt(at + 80) : null,
        has(valid, FATTR_SIZE) ? size(in.getLong(at + 16)) : null,
        has(valid, FATTR_ATIME) ? time(in, at + 32, at + 56) : null,
        has(valid, FATTR_MTIME) ? time(in, at + 40, at + 60) : null,
        has(valid, FATTR_CTIME) ? time(in, at + 48, at + 64) : null,
        has(valid, FATTR_KILL_SUIDGID),
        has(valid, FATTR_FH) && handles ? in.getLong(at + 8) : FileSystemOperations.NO_HANDLE);
  }

  private static boolean has(int valid, int bit) {
    return (valid & bit) != 0;
  }

  private static long size(long bytes) throws FsException {
    if (bytes < 0) {
      throw new FsException(Errno.EINVAL, "setattr to a size of " + bytes);
    }
    return bytes;
  }

  private static FileTime time(ByteBuffer in, int secondsAt, int nanosAt) throws FsException {
    int nanos = in.getInt(nanosAt);
    if (nanos < 0 || nanos > 999_999_999) {
      throw new FsException(Errno.EINVAL, "setattr to a time of " + nanos + " ns");
    }
    return new FileTime(in.getLong(secondsAt), nanos);
  }
}
