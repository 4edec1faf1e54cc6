package io.mapfs.core.posix;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import java.nio.ByteBuffer;

/**
 * What statx(2) says about a file.
 *
 * @param mode type and permission bits
 * @param device the filesystem's device number, in the kernel's 32-bit encoding (new_encode_dev)
 * @param rdev a device node's number in the same encoding, else 0
 * @param blocks space taken, in units of 512 bytes
 * @param btime when the file was made; {@code null} where the filesystem does not say
 * @param mountId the mount that the file was reached through; 0 before Linux 5.8
 * @param attributes the STATX_ATTR_* bits
 */
public record FileStatus(
    int mode,
    int uid,
    int gid,
    int nlink,
    long ino,
    int device,
    int rdev,
    long sizeBytes,
    long blocks,
    FileTime atime,
    FileTime mtime,
    FileTime ctime,
    FileTime btime,
    long mountId,
    long attributes) {

  /** Size of {@code struct statx}; the same on every architecture. */
  static final int STRUCT_BYTES = 256;

  static final int STATX_BASIC_STATS = 0x7ff;
  static final int STATX_BTIME = 0x800;
  static final int STATX_MNT_ID = 0x1000;

  /** The file's type; {@code null} where the mode names none. */
  public FileType type() {
    return FileType.ofMode(mode);
  }

  /** The lower twelve mode bits. */
  public int permissions() {
    return mode & 07777;
  }

  /** Encodes a device number as the kernel's new_encode_dev does: 12 bits major, 20 minor. */
  public static int encodeDevice(int major, int minor) {
    return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
  }

  /** The major number in an encoded device number. */
  public static int major(int device) {
    return (device & 0xfff00) >>> 8;
  }

  /** The minor number in an encoded device number. */
  public static int minor(int device) {
    return (device & 0xff) | ((device >>> 12) & 0xfff00);
  }

  /**
   * Reads a {@code struct statx} in native byte order from the buffer's start (offsets in bytes):
   *
   * <pre>
   *   0 mask  4 blksize  8 attributes  16 nlink  20 uid  24 gid  28 mode (u16)
   *  32 ino  40 size  48 blocks  56 attributes_mask
   *  64 atime  80 btime  96 ctime  112 mtime     (each: s64 seconds, u32 nanoseconds, pad)
   * 128 rdev major  132 rdev minor  136 dev major  140 dev minor  144 mnt_id (u64)
   * </pre>
   */
  static FileStatus parse(ByteBuffer b) {
    int mask = b.getInt(0);
    return new FileStatus(
        b.getShort(28) & 0xffff,
        b.getInt(20),
        b.getInt(24),
        b.getInt(16),
        b.getLong(32),
        encodeDevice(b.getInt(136), b.getInt(140)),
        encodeDevice(b.getInt(128), b.getInt(132)),
        b.getLong(40),
        b.getLong(48),
        time(b, 64),
        time(b, 112),
        time(b, 96),
        (mask & STATX_BTIME) != 0 ? time(b, 80) : null,
        (mask & STATX_MNT_ID) != 0 ? b.getLong(144) : 0,
        b.getLong(8));
  }

  private static FileTime time(ByteBuffer b, int offset) {
    return new FileTime(b.getLong(offset), b.getInt(offset + 8));
  }
}
