package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.AttributeChange;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemOperations;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.Opened;
import io.mapfs.core.posix.OpenFlags;
import java.nio.ByteBuffer;

/** Requests on regular files. */
final class FileHandlers {
  private static final int PERMISSIONS_MASK = 07777;
  private static final int OPEN_KILL_SUIDGID = 1;
  private static final int WRITE_CACHE = 1;
  private static final int WRITE_KILL_SUIDGID = 1 << 2;
  private static final int FSYNC_DATA_ONLY = 1;

  /** Largest count that COPY_FILE_RANGE's 32-bit reply holds, in whole pages. */
  private static final long COPY_BYTES_MAX = 0xffff_f000L;

  private FileHandlers() {}

  /** {@code struct fuse_open_in}: u32 flags, u32 open_flags. */
  static void open(KernelConnection c, Exchange x) throws FsException {
    if (c.has(InitFlag.NO_OPEN_SUPPORT)) {
      // Read-only: nobody needs to know the writers, and there is no O_TRUNC to lose.
      throw new FsException(Errno.ENOSYS, "open has nothing to do");
    }
    int flags = x.in().getInt();
    int openFlags = x.in().getInt();
    if (c.kernelCache().isWriter(x.pid())) {
      OpenOut.put(x.out(), FileSystemOperations.NO_HANDLE, OpenOut.FOPEN_KEEP_CACHE);
      return;
    }
    if ((openFlags & OPEN_KILL_SUIDGID) != 0 && (flags & OpenFlags.O_TRUNC) != 0) {
      c.operations().setattr(x, x.node(), truncation());
      c.kernelCache().dropAttributes(x.node());
      flags &= ~OpenFlags.O_TRUNC;
    }
    long handle = c.operations().open(x, x.node(), cached(c, flags));
    if (isWritable(flags)) {
      c.writableOpens().opened(x.node());
    } else {
      preload(c, x);
    }
    OpenOut.put(x.out(), handle, OpenOut.FOPEN_KEEP_CACHE);
  }

  /** Gives the kernel what it would ask for next. */
  private static void preload(KernelConnection c, Exchange x) throws FsException {
    ByteBuffer message = x.unused();
    ByteBuffer content = message.duplicate().position(Notification.STORE_HEADER_BYTES);
    boolean stored =
        c.operations()
            .preload(
                x.node(),
                content,
                () -> {
                  message.limit(content.position());
                  c.kernelCache().store(Notification.store(message, x.node()));
                });
    if (stored) {
      c.preloaded().add(x.node());
    }
  }

  /** {@code struct fuse_create_in}: u32 flags, u32 mode, u32 umask, u32 open_flags; the name. */
  static void create(KernelConnection c, Exchange x) throws FsException {
    int flags = x.in().getInt();
    int mode = x.in().getInt();
    x.umask(x.in().getInt());
    x.in().getInt();
    Name name = x.takeEntryName();
    opened(
        c,
        x,
        flags,
        c.operations().create(x, x.node(), name, mode & PERMISSIONS_MASK, cached(c, flags)));
  }

  /** {@code struct fuse_create_in}; the name that follows is empty or a mere hint. */
  static void tmpfile(KernelConnection c, Exchange x) throws FsException {
    int flags = x.in().getInt();
    int mode = x.in().getInt();
    x.umask(x.in().getInt());
    opened(
        c,
        x,
        flags,
        c.operations().tmpfile(x, x.node(), mode & PERMISSIONS_MASK, cached(c, flags)));
  }

  private static void opened(KernelConnection c, Exchange x, int flags, Opened opened) {
    long node = opened.attributes().node();
    if (isWritable(flags)) {
      c.writableOpens().opened(node);
    }
    EntryOut.put(x.out(), opened.attributes(), c.blocks(opened.attributes()));
    OpenOut.put(x.out(), opened.handle(), OpenOut.FOPEN_KEEP_CACHE);
  }

  private static boolean isWritable(int flags) {
    return (flags & OpenFlags.O_ACCMODE) != OpenFlags.O_RDONLY;
  }

  /**
   * The flags for the filesystem. With the writeback cache the kernel gives every write its offset,
   * O_APPEND or not, and reads a page before it changes part of it.
   */
  private static int cached(KernelConnection c, int flags) {
    if (!c.hasWritebackCache()) {
      return flags;
    }
    int readable =
        (flags & OpenFlags.O_ACCMODE) == OpenFlags.O_WRONLY
            ? (flags & ~OpenFlags.O_ACCMODE) | OpenFlags.O_RDWR
            : flags;
    return readable & ~OpenFlags.O_APPEND;
  }

  private static AttributeChange truncation() {
    return new AttributeChange(
        null, null, null, 0L, null, null, null, true, FileSystemOperations.NO_HANDLE);
  }

  /** {@code struct fuse_read_in}: u64 fh, u64 offset, u32 size, u32 read_flags, …. */
  static void read(KernelConnection c, Exchange x) throws FsException {
    ByteBuffer in = x.in();
    long handle = c.fileHandle(in.getLong());
    long offset = in.getLong();
    int size = in.getInt();
    ByteBuffer out = x.out();
    if (size < 0 || size > out.remaining() || offset < 0) {
      throw new FsException(Errno.EINVAL, "READ of " + size + " at " + offset);
    }
    out.limit(out.position() + size);
    c.operations().read(x, x.node(), handle, offset, out);
  }

  /** {@code struct fuse_write_in}: u64 fh, u64 offset, u32 size, u32 write_flags, …; the data. */
  static void write(KernelConnection c, Exchange x) throws FsException {
    ByteBuffer in = x.in();
    int at = in.position();
    long handle = in.getLong(at);
    long offset = in.getLong(at + 8);
    int size = in.getInt(at + 16);
    int writeFlags = in.getInt(at + 20);
    in.position(at + 40);
    if (size != in.remaining() || offset < 0 || offset + size < 0) {
      throw new FsException(Errno.EINVAL, "WRITE of " + size + " at " + offset);
    }
    if ((writeFlags & WRITE_CACHE) != 0 && c.hasWritebackCache()) {
      x.setWriteBack();
    }
    boolean clearSetid = (writeFlags & WRITE_KILL_SUIDGID) != 0;
    int written = c.operations().write(x, x.node(), handle, offset, in, clearSetid);
    if (clearSetid) {
      // The kernel drops times and sizes after a write, but never the mode.
      c.kernelCache().dropAttributes(x.node());
    }
    x.out().putInt(written).putInt(0);
  }

  /** {@code struct fuse_release_in}: u64 fh, u32 flags, …. */
  static void release(KernelConnection c, Exchange x) {
    long handle = x.in().getLong();
    int flags = x.in().getInt();
    if (handle == FileSystemOperations.NO_HANDLE) {
      return;
    }
    if (isWritable(flags)) {
      c.writableOpens().released(x.node());
    }
    c.operations().release(x, x.node(), handle);
    if (c.preloaded().remove(x.node())) {
      // Only with its own READs the kernel knows that the access time has moved.
      c.kernelCache().dropAttributes(x.node());
    }
  }

  /**
   * {@code struct fuse_fsync_in}: u64 fh, u32 fsync_flags, pad. The kernel has written the file's
   * pages back before. Of the mount barrier's own request that was all that was wanted: making it
   * durable, and the errors on the way, are its caller's.
   */
  static void fsync(KernelConnection c, Exchange x) throws FsException {
    if (c.kernelCache().isWriter(x.pid())) {
      return;
    }
    long handle = c.fileHandle(x.in().getLong());
    boolean dataOnly = (x.in().getInt() & FSYNC_DATA_ONLY) != 0;
    c.operations().fsync(x, x.node(), handle, dataOnly);
  }

  /** {@code struct fuse_fallocate_in}: u64 fh, u64 offset, u64 length, u32 mode, pad. */
  static void fallocate(KernelConnection c, Exchange x) throws FsException {
    ByteBuffer in = x.in();
    long handle = in.getLong();
    long offset = in.getLong();
    long length = in.getLong();
    int mode = in.getInt();
    if (offset < 0 || length <= 0 || offset + length < 0) {
      throw new FsException(Errno.EINVAL, "FALLOCATE of " + length + " at " + offset);
    }
    c.operations().fallocate(x, x.node(), handle, mode, offset, length);
    dropModeChangedBy(c, x, x.node());
  }

  /** {@code struct fuse_lseek_in}: u64 fh, u64 offset, u32 whence, pad. Reply: u64 offset. */
  static void lseek(KernelConnection c, Exchange x) throws FsException {
    long handle = c.fileHandle(x.in().getLong());
    long offset = x.in().getLong();
    int whence = x.in().getInt();
    if (whence != FileSystemOperations.SEEK_DATA && whence != FileSystemOperations.SEEK_HOLE) {
      throw new FsException(Errno.EINVAL, "lseek from " + whence);
    }
    long found;
    if (c.hasWritebackCache() && c.writableOpens().contains(x.node())) {
      found = seekInOpen(c, x, handle, offset, whence);
    } else {
      found = c.operations().lseek(x, x.node(), handle, offset, whence);
    }
    x.out().putLong(found);
  }

  /**
   * The kernel may hold dirty pages that only it knows. They are written back first; where that
   * cannot be waited for, everything up to the length is data, which is always a legal answer. The
   * caller holds the inode's lock (fs/fuse/file.c, fuse_file_llseek): nothing that wants it, such
   * as fsync, could end before this is answered.
   */
  private static long seekInOpen(
      KernelConnection c, Exchange x, long handle, long offset, int whence) throws FsException {
    if (!c.writeBackWaits().tryAcquire()) {
      throw new FsException(Errno.EAGAIN, "too many wait for write-back");
    }
    long length;
    try {
      length = c.kernelCache().writeBack(x, x.node());
    } finally {
      c.writeBackWaits().release();
    }
    if (c.isWritebackTrue()) {
      return c.operations().lseek(x, x.node(), handle, offset, whence);
    }
    if (offset < 0 || offset >= length) {
      throw new FsException(Errno.ENXIO, "seek to " + offset + " of " + length);
    }
    return whence == FileSystemOperations.SEEK_DATA ? offset : length;
  }

  /** Reply: {@code struct fuse_write_out}, u32 size, pad. */
  static void copyFileRange(KernelConnection c, Exchange x) throws FsException {
    x.out().putInt((int) copy(c, x, COPY_BYTES_MAX)).putInt(0);
  }

  /** Reply: {@code struct fuse_copy_file_range_out}, u64 bytes. */
  static void copyFileRange64(KernelConnection c, Exchange x) throws FsException {
    x.out().putLong(copy(c, x, Long.MAX_VALUE));
  }

  /**
   * {@code struct fuse_copy_file_range_in}: u64 fh_in, off_in, nodeid_out, fh_out, off_out, len,
   * flags.
   */
  private static long copy(KernelConnection c, Exchange x, long bytesMax) throws FsException {
    ByteBuffer in = x.in();
    long sourceHandle = in.getLong();
    long sourceOffset = in.getLong();
    long target = in.getLong();
    long targetHandle = in.getLong();
    long targetOffset = in.getLong();
    long length = in.getLong();
    long flags = in.getLong();
    if (flags != 0 || sourceOffset < 0 || targetOffset < 0 || length < 0) {
      throw new FsException(Errno.EINVAL, "COPY_FILE_RANGE of " + length + ", flags " + flags);
    }
    long copied =
        c.operations()
            .copyFileRange(
                x,
                x.node(),
                sourceHandle,
                sourceOffset,
                target,
                targetHandle,
                targetOffset,
                Math.min(length, bytesMax));
    dropModeChangedBy(c, x, target);
    return copied;
  }

  /** The kernel keeps the mode of before, for ever, where setuid was cleared behind its back. */
  private static void dropModeChangedBy(KernelConnection c, Exchange x, long node) {
    if (x.uid() != 0) {
      c.kernelCache().dropAttributes(node);
    }
  }
}
