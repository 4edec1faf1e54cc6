package io.mapfs.core.tree;

import io.mapfs.core.block.BlockId;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import java.util.List;
import java.util.SortedMap;

/**
 * An inode as it goes into a tree. Link counts are not given: the writer counts names.
 *
 * @param ino inode number, 1 for the root; below {@link io.mapfs.core.fs.NodeId#FIRST_OVERLAY_INO}
 * @param permissions the lower twelve mode bits
 * @param rdev device number of a device node in the kernel's 32-bit encoding; else 0
 * @param sizeBytes length of a regular file's content; else 0 (a symlink's is its target's length)
 * @param atime a canonical import gives mtime here: reading a source must not change its version
 * @param symlinkTarget of a symlink; else {@code null}
 * @param xattrs all of them, POSIX ACLs and capabilities included; empty for none
 * @param blocks a regular file's blocks in order, one for each begun 128 KiB of its size; {@code
 *     null} elements are holes. Empty for other types
 */
public record TreeNode(
    long ino,
    FileType type,
    int permissions,
    int uid,
    int gid,
    int rdev,
    long sizeBytes,
    FileTime atime,
    FileTime mtime,
    FileTime ctime,
    FileTime btime,
    byte[] symlinkTarget,
    SortedMap<Name, byte[]> xattrs,
    List<BlockId> blocks) {}
