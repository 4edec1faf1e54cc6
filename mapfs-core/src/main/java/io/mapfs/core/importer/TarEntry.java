package io.mapfs.core.importer;

import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.Name;
import java.util.SortedMap;

/**
 * An entry of a tar, with what its extended headers say.
 *
 * @param type {@code null} for a hard link
 * @param path raw bytes, as in the tar
 * @param linkPath target of a symlink or hard link, else {@code null}
 * @param sizeBytes a regular file's size with its holes, else 0
 * @param extents pairs of offset and length where a regular file's data go, ascending
 */
record TarEntry(
    FileType type,
    byte[] path,
    byte[] linkPath,
    int permissions,
    int uid,
    int gid,
    int rdev,
    long sizeBytes,
    FileTime mtime,
    FileTime ctime,
    FileTime btime,
    SortedMap<Name, byte[]> xattrs,
    long[] extents) {

  boolean isHardLink() {
    return type == null;
  }

  Metadata metadata() {
    return new Metadata(
        type,
        permissions,
        uid,
        gid,
        rdev,
        sizeBytes,
        mtime,
        ctime,
        btime,
        type == FileType.SYMLINK ? linkPath : null,
        xattrs);
  }
}
