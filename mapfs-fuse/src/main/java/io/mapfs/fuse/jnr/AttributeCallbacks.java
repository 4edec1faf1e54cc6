package io.mapfs.fuse.jnr;

import io.mapfs.core.fs.AttributeChange;
import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FsException;
import io.mapfs.fuse.jnr.Callbacks.LI;
import io.mapfs.fuse.jnr.Callbacks.LII;
import io.mapfs.fuse.jnr.Callbacks.LL;
import io.mapfs.fuse.jnr.Callbacks.LLL;
import io.mapfs.fuse.jnr.Callbacks.LLLL;
import io.mapfs.fuse.jnr.Callbacks.LLLLI;
import io.mapfs.fuse.jnr.OpenFiles.OpenFile;
import io.mapfs.fuse.jnr.Paths.Found;

/** Callbacks on attributes and extended attributes. */
final class AttributeCallbacks {
  private static final int PERMISSIONS_MASK = 07777;

  /** An owner that chown leaves alone. */
  private static final int UNCHANGED = -1;

  /** {@code struct timespec} of 64-bit machines: seconds, then nanoseconds. */
  private static final int TIMESPEC_BYTES = 16;

  private static final int TIMESPEC_NANOS = 8;

  /** Special nanoseconds of utimensat(2). */
  private static final long UTIME_NOW = (1L << 30) - 1;

  private static final long UTIME_OMIT = (1L << 30) - 2;

  private final FileSystemOperations operations;
  private final Paths paths;
  private final OpenFiles files;

  AttributeCallbacks(FileSystemOperations operations, Paths paths, OpenFiles files) {
    this.operations = operations;
    this.paths = paths;
    this.files = files;
  }

  void register(OperationsTable table) {
    table.set(table.getattr, LL.class, this::getattr);
    table.set(table.fgetattr, LLL.class, this::fgetattr);
    table.set(table.chmod, LI.class, this::chmod);
    table.set(table.chown, LII.class, this::chown);
    table.set(table.truncate, LL.class, this::truncate);
    table.set(table.ftruncate, LLL.class, this::ftruncate);
    table.set(table.utimens, LL.class, this::utimens);
    table.set(table.statfs, LL.class, this::statfs);
    table.set(table.setxattr, LLLLI.class, this::setxattr);
    table.set(table.getxattr, LLLL.class, this::getxattr);
    table.set(table.listxattr, LLL.class, this::listxattr);
    table.set(table.removexattr, LL.class, this::removexattr);
  }

  private int getattr(long path, long stat) {
    return Answer.to(
        "getattr",
        request -> {
          try (Found file = paths.find(request, path)) {
            Attributes attributes = file.attributes();
            AttributesBuffer.putStat(
                stat, attributes == null ? operations.getattr(request, file.node()) : attributes);
            return 0;
          }
        });
  }

  private int fgetattr(long path, long stat, long info) {
    return Answer.to(
        "fgetattr",
        request -> {
          OpenFile file = files.get(FileInfo.handle(info));
          AttributesBuffer.putStat(stat, operations.getattr(request, file.node()));
          return 0;
        });
  }

  private int chmod(long path, int mode) {
    int permissions = mode & PERMISSIONS_MASK;
    return change(
        "chmod",
        path,
        new AttributeChange(
            permissions,
            null,
            null,
            null,
            null,
            null,
            null,
            false,
            FileSystemOperations.NO_HANDLE));
  }

  private int chown(long path, int uid, int gid) {
    Integer newUid = uid == UNCHANGED ? null : Integer.valueOf(uid);
    Integer newGid = gid == UNCHANGED ? null : Integer.valueOf(gid);
    return change(
        "chown",
        path,
        new AttributeChange(
            null, newUid, newGid, null, null, null, null, false, FileSystemOperations.NO_HANDLE));
  }

  private int truncate(long path, long sizeBytes) {
    return change("truncate", path, size(sizeBytes, FileSystemOperations.NO_HANDLE));
  }

  private int ftruncate(long path, long sizeBytes, long info) {
    return Answer.to(
        "ftruncate",
        request -> {
          OpenFile file = files.get(FileInfo.handle(info));
          operations.setattr(request, file.node(), size(sizeBytes, file.handle()));
          return 0;
        });
  }

  private static AttributeChange size(long sizeBytes, long handle) {
    return new AttributeChange(null, null, null, sizeBytes, null, null, null, false, handle);
  }

  private int utimens(long path, long times) {
    return Answer.to(
        "utimens",
        request -> {
          try (Found file = paths.find(request, path)) {
            operations.setattr(
                request,
                file.node(),
                new AttributeChange(
                    null,
                    null,
                    null,
                    null,
                    time(request, times, 0),
                    time(request, times, 1),
                    null,
                    false,
                    FileSystemOperations.NO_HANDLE));
            return 0;
          }
        });
  }

  /** The access (0) or modification time (1); {@code null} for none. */
  private static FileTime time(Request request, long times, int which) throws FsException {
    long address = times + (long) which * TIMESPEC_BYTES;
    long nanos = NativeMemory.getLong(address + TIMESPEC_NANOS);
    if (nanos == UTIME_OMIT) {
      return null;
    }
    if (nanos == UTIME_NOW) {
      return request.time(which);
    }
    if (nanos < 0 || nanos > 999_999_999) {
      throw new FsException(Errno.EINVAL, "a time of " + nanos + " ns");
    }
    return new FileTime(NativeMemory.getLong(address), (int) nanos);
  }

  private int change(String operation, long path, AttributeChange change) {
    return Answer.to(
        operation,
        request -> {
          try (Found file = paths.find(request, path)) {
            operations.setattr(request, file.node(), change);
            return 0;
          }
        });
  }

  private int statfs(long path, long statvfs) {
    return Answer.to(
        "statfs",
        request -> {
          AttributesBuffer.putStatvfs(statvfs, operations.statfs(request));
          return 0;
        });
  }

  private int setxattr(long path, long name, long value, long valueBytes, int flags) {
    return Answer.to(
        "setxattr",
        request -> {
          try (Found file = paths.find(request, path)) {
            operations.setxattr(
                request,
                file.node(),
                NativeMemory.name(name),
                NativeMemory.bytes(value, Math.toIntExact(valueBytes)),
                flags,
                false);
            return 0;
          }
        });
  }

  private int getxattr(long path, long name, long buffer, long bufferBytes) {
    return Answer.to(
        "getxattr",
        request -> {
          try (Found file = paths.find(request, path)) {
            byte[] value = operations.getxattr(request, file.node(), NativeMemory.name(name));
            if (value == null) {
              throw new FsException(Errno.ENODATA, "getxattr");
            }
            return sized(value, buffer, bufferBytes);
          }
        });
  }

  private int listxattr(long path, long buffer, long bufferBytes) {
    return Answer.to(
        "listxattr",
        request -> {
          try (Found file = paths.find(request, path)) {
            return sized(operations.listxattr(request, file.node()), buffer, bufferBytes);
          }
        });
  }

  /** The length where only that is asked for (a buffer of 0 bytes), else the bytes. */
  private static int sized(byte[] value, long buffer, long bufferBytes) throws FsException {
    if (bufferBytes > 0) {
      if (value.length > bufferBytes) {
        throw new FsException(Errno.ERANGE, "a value of " + value.length + " bytes");
      }
      NativeMemory.put(buffer, value, value.length);
    }
    return value.length;
  }

  private int removexattr(long path, long name) {
    return Answer.to(
        "removexattr",
        request -> {
          try (Found file = paths.find(request, path)) {
            operations.removexattr(request, file.node(), NativeMemory.name(name));
            return 0;
          }
        });
  }
}
