package io.mapfs.core.fs;

import java.nio.ByteBuffer;

/**
 * The operations of an inode-based filesystem: the one port beneath both FUSE front ends.
 *
 * <p>{@code node} is a node id ({@link NodeId}) that a reply gave out, or {@link NodeId#ROOT}.
 * Every method may be called from any thread, concurrently. Buffers are borrowed until return. A
 * failure is an {@link FsException} with the errno that Linux's own filesystems answer in that
 * case; any other throwable is a fault of the implementation. Permission checks are the kernel's
 * (default_permissions), as are its own locks on directories (a rename never runs beside an unlink
 * in the same directory) unless parallel dirops allow lookups and readdirs beside each other.
 *
 * <p>Replies with {@link Attributes} from lookup, mknod, mkdir, symlink, link, create, tmpfile and
 * readdirplus count as one lookup each, taken back by {@link #forget}.
 */
public interface FileSystemOperations {
  /** Stands for "no open handle". */
  long NO_HANDLE = -1;

  /** rename(2) flags (linux/fs.h). */
  int RENAME_NOREPLACE = 1;

  int RENAME_EXCHANGE = 2;
  int RENAME_WHITEOUT = 4;

  /** fallocate(2) modes (linux/falloc.h). */
  int FALLOC_KEEP_SIZE = 1;

  int FALLOC_PUNCH_HOLE = 2;
  int FALLOC_ZERO_RANGE = 16;

  /** lseek(2) whence values that reach a filesystem. */
  int SEEK_DATA = 3;

  int SEEK_HOLE = 4;

  /** setxattr(2) flags. */
  int XATTR_CREATE = 1;

  int XATTR_REPLACE = 2;

  /**
   * The child's attributes, or {@code null} where the directory has no such name. ".." is a name
   * here.
   */
  Attributes lookup(RequestContext context, long parent, Name name) throws FsException;

  /** Takes back {@code count} lookups of a node. Never fails. */
  void forget(long node, long count);

  Attributes getattr(RequestContext context, long node) throws FsException;

  /** Applies the change as one and returns the result. */
  Attributes setattr(RequestContext context, long node, AttributeChange change) throws FsException;

  byte[] readlink(RequestContext context, long node) throws FsException;

  /**
   * Makes a file of any type but directory and symlink. {@code mode} has type bits and permissions.
   */
  Attributes mknod(RequestContext context, long parent, Name name, int mode, int rdev)
      throws FsException;

  Attributes mkdir(RequestContext context, long parent, Name name, int permissions)
      throws FsException;

  Attributes symlink(RequestContext context, long parent, Name name, byte[] target)
      throws FsException;

  void unlink(RequestContext context, long parent, Name name) throws FsException;

  void rmdir(RequestContext context, long parent, Name name) throws FsException;

  /** {@code flags}: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT. */
  void rename(
      RequestContext context, long parent, Name name, long newParent, Name newName, int flags)
      throws FsException;

  Attributes link(RequestContext context, long node, long newParent, Name newName)
      throws FsException;

  /** Opens a regular file; {@code flags} as open(2). O_TRUNC in them is to be carried out. */
  long open(RequestContext context, long node, int flags) throws FsException;

  /**
   * Offers the content of a file that has just been opened for reading, from its start to its end,
   * where it is small, at hand, and neither open to anybody else nor ever changed.
   *
   * @param target where the content is put
   * @param store called once if so, while no open and no change of the file can begin
   * @return whether it was called; it then counts as a read of the file
   */
  default boolean preload(long node, ByteBuffer target, Runnable store) throws FsException {
    return false;
  }

  Opened create(RequestContext context, long parent, Name name, int permissions, int flags)
      throws FsException;

  /** Makes an unnamed regular file (O_TMPFILE); link may name it later. */
  Opened tmpfile(RequestContext context, long parent, int permissions, int flags)
      throws FsException;

  /**
   * Reads into {@code target} up to its remaining bytes; fewer only at the end of the file.
   *
   * @return the number of bytes read, by which the buffer's position has advanced
   */
  int read(RequestContext context, long node, long handle, long offsetBytes, ByteBuffer target)
      throws FsException;

  /**
   * Writes all remaining bytes of {@code source}.
   *
   * @param clearSetid whether setuid, setgid and security.capability go (FUSE_WRITE_KILL_SUIDGID)
   * @return the number of bytes written
   */
  int write(
      RequestContext context,
      long node,
      long handle,
      long offsetBytes,
      ByteBuffer source,
      boolean clearSetid)
      throws FsException;

  /** The last close. */
  void release(RequestContext context, long node, long handle);

  /** fsync or fdatasync of a file. Returns when the overlay's whole change prefix is durable. */
  void fsync(RequestContext context, long node, long handle, boolean dataOnly) throws FsException;

  long opendir(RequestContext context, long node) throws FsException;

  /**
   * Offers the entries after {@code cookie} (0: from the start, "." and ".." included) to the sink.
   * Cookies are stable while entries come and go and hold no per-handle state.
   */
  void readdir(
      RequestContext context,
      long node,
      long handle,
      long cookie,
      boolean withAttributes,
      DirectorySink sink)
      throws FsException;

  void releasedir(RequestContext context, long node, long handle);

  void fsyncdir(RequestContext context, long node, long handle, boolean dataOnly)
      throws FsException;

  FileSystemStatistics statfs(RequestContext context) throws FsException;

  /** The value, or {@code null} where there is none (ENODATA). */
  byte[] getxattr(RequestContext context, long node, Name name) throws FsException;

  /** {@code clearSetgid}: FUSE_SETXATTR_ACL_KILL_SGID. */
  void setxattr(
      RequestContext context, long node, Name name, byte[] value, int flags, boolean clearSetgid)
      throws FsException;

  /** All names, each followed by a NUL byte, as listxattr(2) returns them. */
  byte[] listxattr(RequestContext context, long node) throws FsException;

  void removexattr(RequestContext context, long node, Name name) throws FsException;

  /**
   * Changes the space or the length of a file. The implementation clears setuid, setgid and
   * security.capability where the caller is not root: the kernel leaves that to it.
   */
  void fallocate(
      RequestContext context, long node, long handle, int mode, long offsetBytes, long lengthBytes)
      throws FsException;

  /** SEEK_DATA and SEEK_HOLE; ENXIO past the end. */
  long lseek(RequestContext context, long node, long handle, long offsetBytes, int whence)
      throws FsException;

  /** Returns the number of bytes copied. Clears setuid and the like as fallocate does. */
  long copyFileRange(
      RequestContext context,
      long sourceNode,
      long sourceHandle,
      long sourceOffsetBytes,
      long targetNode,
      long targetHandle,
      long targetOffsetBytes,
      long lengthBytes)
      throws FsException;
}
