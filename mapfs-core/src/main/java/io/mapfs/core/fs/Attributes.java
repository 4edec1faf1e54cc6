package io.mapfs.core.fs;

/**
 * An inode's attributes, as stat(2) and statx(2) show them.
 *
 * @param node the kernel's node id: {@link NodeId#of} of the inode number and its content
 *     generation
 * @param type the file's type
 * @param permissions the lower twelve mode bits (07777)
 * @param uid owner
 * @param gid group
 * @param nlink link count
 * @param rdev device number of a device node, in the kernel's 32-bit encoding (new_encode_dev);
 *     else 0
 * @param sizeBytes length of the content or of the link target
 * @param allocatedBytes space taken, a multiple of 512; st_blocks is this divided by 512
 */
public record Attributes(
    long node,
    FileType type,
    int permissions,
    int uid,
    int gid,
    int nlink,
    int rdev,
    long sizeBytes,
    long allocatedBytes,
    FileTime atime,
    FileTime mtime,
    FileTime ctime,
    FileTime btime) {

  /** The permanent inode number, st_ino. */
  public long ino() {
    return NodeId.ino(node);
  }

  /** Type and permission bits, st_mode. */
  public int mode() {
    return type.modeBits() | permissions;
  }
}
