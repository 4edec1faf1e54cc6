package io.mapfs.core.importer;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.Posix;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Metadata of real files. */
final class FileMetadata {
  /** Reads one value; {@code null} where it is gone. */
  @FunctionalInterface
  private interface ValueReader {
    byte[] read(Name name) throws FsException;
  }

  private FileMetadata() {}

  static Metadata of(FileStatus status, byte[] target, SortedMap<Name, byte[]> xattrs) {
    FileType type = status.type();
    boolean device = type == FileType.BLOCK_DEVICE || type == FileType.CHARACTER_DEVICE;
    return new Metadata(
        type,
        status.permissions(),
        status.uid(),
        status.gid(),
        device ? status.rdev() : 0,
        type == FileType.REGULAR ? status.sizeBytes() : 0,
        status.mtime(),
        status.ctime(),
        status.btime() == null ? status.mtime() : status.btime(),
        target,
        xattrs);
  }

  /** The xattrs of an open file. */
  static SortedMap<Name, byte[]> xattrs(int descriptor) throws FsException {
    try {
      return read(Posix.xattrNames(descriptor), name -> Posix.xattr(descriptor, name));
    } catch (FsException e) {
      return emptyIfUnsupported(e);
    }
  }

  /** The xattrs of the file at a path; a symlink's own. */
  static SortedMap<Name, byte[]> xattrs(byte[] path) throws FsException {
    try {
      return read(Posix.xattrNames(path), name -> Posix.xattr(path, name));
    } catch (FsException e) {
      return emptyIfUnsupported(e);
    }
  }

  private static SortedMap<Name, byte[]> read(List<Name> names, ValueReader reader)
      throws FsException {
    if (names.isEmpty()) {
      return Collections.emptySortedMap();
    }
    SortedMap<Name, byte[]> xattrs = new TreeMap<>();
    for (Name name : names) {
      byte[] value = reader.read(name);
      if (value != null) {
        xattrs.put(name, value);
      }
    }
    return xattrs;
  }

  /** A filesystem without xattrs has files without xattrs. */
  private static SortedMap<Name, byte[]> emptyIfUnsupported(FsException e) throws FsException {
    if (e.errno() != Errno.EOPNOTSUPP) {
      throw e;
    }
    return Collections.emptySortedMap();
  }
}
