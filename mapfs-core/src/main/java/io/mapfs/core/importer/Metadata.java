package io.mapfs.core.importer;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import java.util.SortedMap;

/**
 * All of an inode but its number and its content.
 *
 * @param permissions the lower twelve mode bits
 * @param rdev a device node's number in the kernel's 32-bit encoding, else 0
 * @param sizeBytes a regular file's size, else 0
 * @param symlinkTarget of a symlink, else {@code null}
 * @param xattrs all of them; empty for none
 */
record Metadata(
    FileType type,
    int permissions,
    int uid,
    int gid,
    int rdev,
    long sizeBytes,
    FileTime mtime,
    FileTime ctime,
    FileTime btime,
    byte[] symlinkTarget,
    SortedMap<Name, byte[]> xattrs) {}
