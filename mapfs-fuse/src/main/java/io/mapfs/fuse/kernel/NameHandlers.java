package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.Attributes;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import java.nio.ByteBuffer;

/** Requests that find, make, move or remove names. */
final class NameHandlers {
  private static final int PERMISSIONS_MASK = 07777;
  private static final int RENAME_FLAGS =
      FileSystemOperations.RENAME_NOREPLACE
          | FileSystemOperations.RENAME_EXCHANGE
          | FileSystemOperations.RENAME_WHITEOUT;

  private NameHandlers() {}

  /** "." and ".." come too (EXPORT_SUPPORT). */
  static void lookup(KernelConnection c, Exchange x) throws FsException {
    Name name = x.takeName();
    Attributes found = c.operations().lookup(x, x.node(), name);
    if (found == null) {
      EntryOut.putNegative(x.out());
    } else {
      entry(c, x, found);
    }
  }

  static void readlink(KernelConnection c, Exchange x) throws FsException {
    byte[] target = c.operations().readlink(x, x.node());
    if (target.length > x.out().remaining()) {
      throw new FsException(Errno.EIO, "a link target of " + target.length + " bytes");
    }
    x.out().put(target);
  }

  /** Name, then target, each with its NUL. */
  static void symlink(KernelConnection c, Exchange x) throws FsException {
    Name name = x.takeEntryName();
    entry(c, x, c.operations().symlink(x, x.node(), name, x.takeString()));
  }

  /** {@code struct fuse_mknod_in}: u32 mode, u32 rdev, u32 umask, pad; then the name. */
  static void mknod(KernelConnection c, Exchange x) throws FsException {
    ByteBuffer in = x.in();
    int mode = in.getInt();
    int rdev = in.getInt();
    x.umask(in.getInt());
    in.getInt();
    Name name = x.takeEntryName();
    FileType type = FileType.ofMode(mode);
    if (type == null || type == FileType.DIRECTORY || type == FileType.SYMLINK) {
      throw new FsException(Errno.EINVAL, "mknod with mode " + Integer.toOctalString(mode));
    }
    entry(
        c,
        x,
        c.operations().mknod(x, x.node(), name, type.modeBits() | (mode & PERMISSIONS_MASK), rdev));
  }

  /** {@code struct fuse_mkdir_in}: u32 mode, u32 umask; then the name. */
  static void mkdir(KernelConnection c, Exchange x) throws FsException {
    int mode = x.in().getInt();
    x.umask(x.in().getInt());
    Name name = x.takeEntryName();
    entry(c, x, c.operations().mkdir(x, x.node(), name, mode & PERMISSIONS_MASK));
  }

  static void unlink(KernelConnection c, Exchange x) throws FsException {
    c.operations().unlink(x, x.node(), x.takeEntryName());
  }

  static void rmdir(KernelConnection c, Exchange x) throws FsException {
    c.operations().rmdir(x, x.node(), x.takeEntryName());
  }

  /** {@code struct fuse_rename_in}: u64 newdir; then both names. */
  static void rename(KernelConnection c, Exchange x) throws FsException {
    rename(c, x, x.in().getLong(), 0);
  }

  /** {@code struct fuse_rename2_in}: u64 newdir, u32 flags, pad; then both names. */
  static void rename2(KernelConnection c, Exchange x) throws FsException {
    long newParent = x.in().getLong();
    int flags = x.in().getInt();
    x.in().getInt();
    if ((flags & ~RENAME_FLAGS) != 0) {
      throw new FsException(Errno.EINVAL, "rename flags " + flags);
    }
    rename(c, x, newParent, flags);
  }

  private static void rename(KernelConnection c, Exchange x, long newParent, int flags)
      throws FsException {
    Name name = x.takeEntryName();
    c.operations().rename(x, x.node(), name, newParent, x.takeEntryName(), flags);
  }

  /** {@code struct fuse_link_in}: u64 oldnodeid; then the new name. */
  static void link(KernelConnection c, Exchange x) throws FsException {
    long node = x.in().getLong();
    entry(c, x, c.operations().link(x, node, x.node(), x.takeEntryName()));
  }

  private static void entry(KernelConnection c, Exchange x, Attributes a) {
    EntryOut.put(x.out(), a, c.blocks(a));
  }
}
