package io.mapfs.fuse.kernel;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;

/**
 * The requests that MapFS serves ({@code enum fuse_opcode}). What has no row is answered ENOSYS,
 * which the kernel takes as "never ask again" where it may; so are ACCESS (default_permissions),
 * GETLK, SETLK, SETLKW (the kernel's own locks), BMAP and POLL.
 */
enum Opcode {
  LOOKUP(1, 2, NameHandlers::lookup),
  FORGET(2, 8, ConnectionHandlers::forget),
  GETATTR(3, 16, AttributeHandlers::getattr),
  SETATTR(4, SetattrIn.BYTES, AttributeHandlers::setattr),
  READLINK(5, 0, NameHandlers::readlink),
  SYMLINK(6, 4, NameHandlers::symlink),
  MKNOD(8, 18, NameHandlers::mknod),
  MKDIR(9, 10, NameHandlers::mkdir),
  UNLINK(10, 2, NameHandlers::unlink),
  RMDIR(11, 2, NameHandlers::rmdir),
  RENAME(12, 12, NameHandlers::rename),
  LINK(13, 10, NameHandlers::link),
  OPEN(14, 8, FileHandlers::open),
  READ(15, 40, FileHandlers::read),
  WRITE(16, 40, FileHandlers::write),
  STATFS(17, 0, ConnectionHandlers::statfs),
  RELEASE(18, 24, FileHandlers::release),
  FSYNC(20, 16, FileHandlers::fsync),
  SETXATTR(21, 10, AttributeHandlers::setxattr),
  GETXATTR(22, 10, AttributeHandlers::getxattr),
  LISTXATTR(23, 8, AttributeHandlers::listxattr),
  REMOVEXATTR(24, 2, AttributeHandlers::removexattr),
  /**
   * Never asked again: the kernel has written the file's pages back before (fs/fuse/file.c,
   * fuse_flush) and reports what that failed with, locks are its own, and durability is fsync's. A
   * close is one round trip less.
   */
  FLUSH(
      25,
      24,
      (connection, exchange) -> {
        throw new FsException(Errno.ENOSYS, "close has nothing to do");
      }),
  INIT(26, InitIn.BYTES_MIN, ConnectionHandlers::init),
  OPENDIR(27, 8, DirectoryHandlers::opendir),
  READDIR(28, 40, DirectoryHandlers::readdir),
  RELEASEDIR(29, 24, DirectoryHandlers::releasedir),
  FSYNCDIR(30, 16, DirectoryHandlers::fsyncdir),
  CREATE(35, 18, FileHandlers::create),
  INTERRUPT(36, 8, ConnectionHandlers::interrupt),
  DESTROY(38, 0, ConnectionHandlers::destroy),
  /** ENOSYS would reach the program, which expects ENOTTY. */
  IOCTL(
      39,
      32,
      (connection, exchange) -> {
        throw new FsException(Errno.ENOTTY, "no ioctl is known");
      }),
  BATCH_FORGET(42, 8, ConnectionHandlers::batchForget),
  FALLOCATE(43, 32, FileHandlers::fallocate),
  READDIRPLUS(44, 40, DirectoryHandlers::readdirplus),
  RENAME2(45, 20, NameHandlers::rename2),
  LSEEK(46, 24, FileHandlers::lseek),
  COPY_FILE_RANGE(47, 56, FileHandlers::copyFileRange),
  SYNCFS(50, 8, ConnectionHandlers::syncfs),
  TMPFILE(51, 16, FileHandlers::tmpfile),
  STATX(52, 24, AttributeHandlers::statx),
  COPY_FILE_RANGE_64(53, 56, FileHandlers::copyFileRange64);

  /**
   * Serves one request: reads {@code exchange.in()}, puts the answer into {@code exchange.out()}.
   */
  @FunctionalInterface
  interface Handler {
    void handle(KernelConnection connection, Exchange exchange) throws FsException;
  }

  private static final Opcode[] BY_NUMBER = new Opcode[64];

  static {
    for (Opcode opcode : values()) {
      BY_NUMBER[opcode.number] = opcode;
    }
  }

  private final int number;
  private final int bodyBytesMin;

  /** Has no state. */
  @SuppressWarnings("ImmutableEnumChecker")
  private final Handler handler;

  Opcode(int number, int bodyBytesMin, Handler handler) {
    this.number = number;
    this.bodyBytesMin = bodyBytesMin;
    this.handler = handler;
  }

  /** The row of that number; {@code null} where there is none. */
  static Opcode of(int number) {
    return number > 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
  }

  int number() {
    return number;
  }

  /** Least length of what follows the header; names count with one byte and their NUL. */
  int bodyBytesMin() {
    return bodyBytesMin;
  }

  Handler handler() {
    return handler;
  }
}
