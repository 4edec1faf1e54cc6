package io.mapfs.core.posix;

import com.kenai.jffi.LastError;
import com.kenai.jffi.MemoryIO;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileSystemStatistics;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Platform;

/**
 * Linux system calls. A failed call throws {@link FsException} with its errno and what it was
 * about; EINTR is retried except where a method says otherwise. Methods that end in {@code Raw}
 * neither allocate nor throw: they answer {@code -errno}.
 *
 * <p>Direct buffers are used from position to limit, are never copied, and have their position
 * advanced by what was transferred.
 */
public final class Posix {
  /** Stands for the working directory where a directory's descriptor is wanted. */
  public static final int AT_FDCWD = -100;

  public static final int AT_SYMLINK_NOFOLLOW = 0x100;
  public static final int AT_REMOVEDIR = 0x200;
  public static final int AT_SYMLINK_FOLLOW = 0x400;
  public static final int AT_NO_AUTOMOUNT = 0x800;
  public static final int AT_EMPTY_PATH = 0x1000;

  public static final int SEEK_SET = 0;
  public static final int SEEK_CUR = 1;
  public static final int SEEK_END = 2;
  public static final int SEEK_DATA = 3;
  public static final int SEEK_HOLE = 4;

  public static final int RENAME_NOREPLACE = 1;
  public static final int RENAME_EXCHANGE = 2;

  public static final int LOCK_SH = 1;
  public static final int LOCK_EX = 2;
  public static final int LOCK_NB = 4;
  public static final int LOCK_UN = 8;

  public static final int XATTR_CREATE = 1;
  public static final int XATTR_REPLACE = 2;

  public static final long MS_RDONLY = 1;
  public static final long MS_NOSUID = 2;
  public static final long MS_NODEV = 4;
  public static final long MS_NOEXEC = 8;
  public static final long MS_REMOUNT = 32;
  public static final long MS_NOATIME = 1024;
  public static final long MS_BIND = 4096;
  public static final long MS_REC = 16384;
  public static final long MS_PRIVATE = 1 << 18;
  public static final int MNT_FORCE = 1;
  public static final int MNT_DETACH = 2;

  public static final int PR_SET_IO_FLUSHER = 57;

  /** Stands for "leave this time alone" in {@link #setTimes}. */
  public static final FileTime UTIME_OMIT = null;

  private static final int CLOCK_REALTIME_COARSE = 5;

  private static final long UTIME_OMIT_NANOS = (1L << 30) - 2;

  /** SYNC_FILE_RANGE_WAIT_BEFORE, _WRITE and _WAIT_AFTER. */
  private static final int FADVISE_WILLNEED = 3;

  private static final int PRIORITY_PROCESS = 0;

  private static final int SYNC_FILE_RANGE_WRITE_AND_WAIT = 1 | 2 | 4;

  private static final byte[] EMPTY = {};
  private static final MemoryIO MEMORY = MemoryIO.getInstance();
  private static final LastError LAST_ERROR = LastError.getInstance();
  private static final Libc LIBC =
      LibraryLoader.create(Libc.class)
          .failImmediately()
          .load(Platform.getNativePlatform().getStandardCLibraryName());

  private Posix() {}

  // ---- Memory ----

  /** The address of a direct buffer's first byte, whatever its position. */
  public static long address(ByteBuffer direct) {
    if (!direct.isDirect()) {
      throw new IllegalArgumentException("not a direct buffer");
    }
    return MEMORY.getDirectBufferAddress(direct);
  }

  /** Binds the C library, if nobody has yet: some hundredths of a second. */
  public static void load() {
    // The class's initializer has done it.
  }

  // ---- Descriptors ----

  /** openat(2); O_CLOEXEC is added. */
  public static Descriptor open(int directory, byte[] path, int flags, int mode)
      throws FsException {
    long address = Scratch.get().path(path);
    int result;
    do {
      result = LIBC.openat(directory, address, flags | OpenFlags.O_CLOEXEC, mode);
    } while (result < 0 && interrupted());
    check(result, "open", path);
    return new Descriptor(result);
  }

  /** openat(2) of a UTF-8 path from the working directory. */
  public static Descriptor open(String path, int flags, int mode) throws FsException {
    return open(AT_FDCWD, bytes(path), flags, mode);
  }

  /**
   * Opens for reading without touching the access time, where the caller may ask for that (it is
   * the owner's or CAP_FOWNER's right).
   *
   * @param flags in addition to O_RDONLY and O_NOATIME
   */
  public static Descriptor openToRead(int directory, byte[] path, int flags) throws FsException {
    try {
      return open(directory, path, flags | OpenFlags.O_NOATIME, 0);
    } catch (FsException e) {
      if (e.errno() != Errno.EPERM) {
        throw e;
      }
      return open(directory, path, flags, 0);
    }
  }

  /** Opens a new file description of the same file, by /proc, with other flags. */
  public static Descriptor reopen(int descriptor, int flags) throws FsException {
    return open(AT_FDCWD, descriptorPath(descriptor), flags, 0);
  }

  /** A path that leads to the file that is open at a descriptor, O_PATH ones included. */
  public static byte[] descriptorPath(int descriptor) {
    return bytes("/proc/self/fd/" + descriptor);
  }

  /** A path that leads to a directory's child without following the directory's own path again. */
  public static byte[] descriptorPath(int directory, Name child) {
    byte[] prefix = bytes("/proc/self/fd/" + directory + "/");
    byte[] path = new byte[prefix.length + child.length()];
    ByteBuffer buffer = ByteBuffer.wrap(path).put(prefix);
    child.putInto(buffer);
    return path;
  }

  static void close(int descriptor) {
    LIBC.close(descriptor);
  }

  /** dup2(2): {@code target} is from now on what {@code source} is. */
  public static void duplicate(Descriptor source, int target) throws FsException {
    check(LIBC.dup2(source.number(), target), "dup2", target);
  }

  /** chdir(2), of the whole process; what Java holds of relative paths does not know of it. */
  public static void changeDirectory(String path) throws FsException {
    byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
    check(LIBC.chdir(Scratch.get().path(bytes)), "chdir", bytes);
  }

  // ---- Data ----

  /** read(2); -1 at the end of the file. */
  public static int read(int descriptor, ByteBuffer direct) throws FsException {
    long result;
    do {
      result = readRaw(descriptor, addressAtPosition(direct), direct.remaining());
    } while (result == -Errno.EINTR.number());
    return transferred(result, direct, "read", descriptor);
  }

  /** pread(2); -1 at the end of the file. */
  public static int pread(int descriptor, ByteBuffer direct, long offsetBytes) throws FsException {
    long result;
    do {
      result =
          raw(LIBC.pread(descriptor, addressAtPosition(direct), direct.remaining(), offsetBytes));
    } while (result == -Errno.EINTR.number());
    return transferred(result, direct, "pread", descriptor);
  }

  /** Writes all that remains with write(2). */
  public static void writeFully(int descriptor, ByteBuffer direct) throws FsException {
    while (direct.hasRemaining()) {
      long result = writeRaw(descriptor, addressAtPosition(direct), direct.remaining());
      if (result != -Errno.EINTR.number()) {
        transferred(result, direct, "write", descriptor);
      }
    }
  }

  /** Writes all that remains with pwrite(2). */
  public static void pwriteFully(int descriptor, ByteBuffer direct, long offsetBytes)
      throws FsException {
    long at = offsetBytes;
    while (direct.hasRemaining()) {
      long result = raw(LIBC.pwrite(descriptor, addressAtPosition(direct), direct.remaining(), at));
      if (result != -Errno.EINTR.number()) {
        at += transferred(result, direct, "pwrite", descriptor);
      }
    }
  }

  /** read(2) into native memory: the count, or -errno (EINTR too). Neither allocates nor throws. */
  public static long readRaw(int descriptor, long address, long count) {
    return raw(LIBC.read(descriptor, address, count));
  }

  /** write(2) from native memory: the count, or -errno (EINTR too). */
  public static long writeRaw(int descriptor, long address, long count) {
    return raw(LIBC.write(descriptor, address, count));
  }

  /**
   * writev(2): the count, or -errno (EINTR too).
   *
   * @param vectorAddress address of {@code count} pairs of a 64-bit address and a 64-bit length
   */
  public static long writevRaw(int descriptor, long vectorAddress, int count) {
    return raw(LIBC.writev(descriptor, vectorAddress, count));
  }

  /** pread(2) into native memory: the count, or -errno (EINTR too). */
  public static long preadRaw(int descriptor, long address, long count, long offsetBytes) {
    return raw(LIBC.pread(descriptor, address, count, offsetBytes));
  }

  /** lseek(2) to SEEK_SET, SEEK_CUR or SEEK_END. */
  public static long seek(int descriptor, long offsetBytes, int whence) throws FsException {
    long result = LIBC.lseek(descriptor, offsetBytes, whence);
    check(result, "lseek", descriptor);
    return result;
  }

  /** lseek(2) with SEEK_DATA; -1 where no data follow. */
  public static long seekData(int descriptor, long offsetBytes) throws FsException {
    return seekExtent(descriptor, offsetBytes, SEEK_DATA);
  }

  /** lseek(2) with SEEK_HOLE; the file's size where no hole comes before, -1 beyond its end. */
  public static long seekHole(int descriptor, long offsetBytes) throws FsException {
    return seekExtent(descriptor, offsetBytes, SEEK_HOLE);
  }

  private static long seekExtent(int descriptor, long offsetBytes, int whence) throws FsException {
    long result = raw(LIBC.lseek(descriptor, offsetBytes, whence));
    if (result == -Errno.ENXIO.number()) {
      return -1;
    }
    if (result < 0) {
      throw failure((int) -result, "lseek", "descriptor " + descriptor);
    }
    return result;
  }

  public static void fsync(int descriptor) throws FsException {
    check(LIBC.fsync(descriptor), "fsync", descriptor);
  }

  public static void fdatasync(int descriptor) throws FsException {
    check(LIBC.fdatasync(descriptor), "fdatasync", descriptor);
  }

  /** syncfs(2): writes out the filesystem that holds the file. */
  public static void syncfs(int descriptor) throws FsException {
    check(LIBC.syncfs(descriptor), "syncfs", descriptor);
  }

  public static void truncate(int descriptor, long sizeBytes) throws FsException {
    check(LIBC.ftruncate(descriptor, sizeBytes), "ftruncate", descriptor);
  }

  /** fallocate(2) with a mode of FALLOC_FL_* bits. */
  public static void allocate(int descriptor, int mode, long offsetBytes, long lengthBytes)
      throws FsException {
    check(LIBC.fallocate(descriptor, mode, offsetBytes, lengthBytes), "fallocate", descriptor);
  }

  /** flock(2). EAGAIN where LOCK_NB was given and another holds the lock. */
  public static void flock(int descriptor, int operation) throws FsException {
    int result;
    do {
      result = LIBC.flock(descriptor, operation);
    } while (result < 0 && interrupted());
    check(result, "flock", descriptor);
  }

  // ---- Attributes ----

  /** statx(2) without following a symlink at the path's end. */
  public static FileStatus status(int directory, byte[] path) throws FsException {
    return status(directory, path, AT_SYMLINK_NOFOLLOW);
  }

  /** statx(2) of an open file, O_PATH ones included. */
  public static FileStatus status(int descriptor) throws FsException {
    return status(descriptor, EMPTY, AT_EMPTY_PATH);
  }

  /** statx(2) with AT_* flags. */
  public static FileStatus status(int directory, byte[] path, int flags) throws FsException {
    Scratch scratch = Scratch.get();
    int mask = FileStatus.STATX_BASIC_STATS | FileStatus.STATX_BTIME | FileStatus.STATX_MNT_ID;
    check(
        LIBC.statx(directory, scratch.path(path), flags, mask, scratch.dataAddress()),
        "statx",
        path);
    return FileStatus.parse(scratch.data());
  }

  /** fchmodat(2); follows symlinks. */
  public static void setMode(int directory, byte[] path, int permissions) throws FsException {
    check(LIBC.fchmodat(directory, Scratch.get().path(path), permissions, 0), "chmod", path);
  }

  /** fchownat(2) without following a symlink; -1 leaves an id alone. */
  public static void setOwner(int directory, byte[] path, int uid, int gid) throws FsException {
    check(
        LIBC.fchownat(directory, Scratch.get().path(path), uid, gid, AT_SYMLINK_NOFOLLOW),
        "chown",
        path);
  }

  /** utimensat(2) without following a symlink; {@link #UTIME_OMIT} leaves a time alone. */
  public static void setTimes(int directory, byte[] path, FileTime atime, FileTime mtime)
      throws FsException {
    Scratch scratch = Scratch.get();
    putTime(scratch.data(), 0, atime);
    putTime(scratch.data(), 16, mtime);
    check(
        LIBC.utimensat(directory, scratch.path(path), scratch.dataAddress(), AT_SYMLINK_NOFOLLOW),
        "utimensat",
        path);
  }

  private static void putTime(ByteBuffer data, int offset, FileTime time) {
    data.putLong(offset, time == null ? 0 : time.seconds());
    data.putLong(offset + 8, time == null ? UTIME_OMIT_NANOS : time.nanos());
  }

  /** fstatfs(2). */
  public static FileSystemStatistics fileSystem(int descriptor) throws FsException {
    Scratch scratch = Scratch.get();
    check(LIBC.fstatfs(descriptor, scratch.dataAddress()), "fstatfs", descriptor);
    // struct statfs of 64-bit machines: all longs up to f_ffree.
    ByteBuffer b = scratch.data();
    return new FileSystemStatistics(
        (int) b.getLong(8),
        b.getLong(16),
        b.getLong(24),
        b.getLong(32),
        b.getLong(40),
        b.getLong(48));
  }

  /** The f_type that fstatfs(2) tells: a magic number of linux/magic.h. */
  public static long fileSystemType(int descriptor) throws FsException {
    Scratch scratch = Scratch.get();
    check(LIBC.fstatfs(descriptor, scratch.dataAddress()), "fstatfs", descriptor);
    return scratch.data().getLong(0);
  }

  // ---- Names ----

  /** readlinkat(2). */
  public static byte[] readLink(int directory, byte[] path) throws FsException {
    Scratch scratch = Scratch.get();
    long length =
        LIBC.readlinkat(directory, scratch.path(path), scratch.dataAddress(), Scratch.PATH_BYTES);
    check(length, "readlink", path);
    return scratch.copyData((int) length);
  }

  public static void makeDirectory(int directory, byte[] path, int permissions) throws FsException {
    check(LIBC.mkdirat(directory, Scratch.get().path(path), permissions), "mkdir", path);
  }

  /**
   * mknodat(2).
   *
   * @param mode type and permissions; the umask applies
   * @param rdev device number in the kernel's 32-bit encoding; 0 for what is no device
   */
  public static void makeNode(int directory, byte[] path, int mode, int rdev) throws FsException {
    check(
        LIBC.mknodat(directory, Scratch.get().path(path), mode, Integer.toUnsignedLong(rdev)),
        "mknod",
        path);
  }

  /** linkat(2); {@code flags} 0, AT_SYMLINK_FOLLOW or AT_EMPTY_PATH. */
  public static void link(
      int fromDirectory, byte[] fromPath, int toDirectory, byte[] toPath, int flags)
      throws FsException {
    Scratch scratch = Scratch.get();
    check(
        LIBC.linkat(
            fromDirectory, scratch.path(fromPath), toDirectory, scratch.secondPath(toPath), flags),
        "link",
        toPath);
  }

  public static void makeSymlink(byte[] target, int directory, byte[] path) throws FsException {
    Scratch scratch = Scratch.get();
    check(
        LIBC.symlinkat(scratch.path(target), directory, scratch.secondPath(path)), "symlink", path);
  }

  /** unlinkat(2); {@code flags} 0 or AT_REMOVEDIR. */
  public static void unlink(int directory, byte[] path, int flags) throws FsException {
    check(LIBC.unlinkat(directory, Scratch.get().path(path), flags), "unlink", path);
  }

  /** renameat2(2) with RENAME_* flags. */
  public static void rename(
      int fromDirectory, byte[] fromPath, int toDirectory, byte[] toPath, int flags)
      throws FsException {
    Scratch scratch = Scratch.get();
    check(
        LIBC.renameat2(
            fromDirectory, scratch.path(fromPath), toDirectory, scratch.secondPath(toPath), flags),
        "rename",
        fromPath);
  }

  /** getdents64(2) into the buffer from its position: the bytes put there, 0 at the end. */
  static int readDirectory(int descriptor, ByteBuffer direct) throws FsException {
    long result = LIBC.getdents64(descriptor, addressAtPosition(direct), direct.remaining());
    check(result, "getdents", descriptor);
    return (int) result;
  }

  // ---- Extended attributes ----

  /** llistxattr(2): the names; a symlink at the path's end is not followed. */
  public static List<Name> xattrNames(byte[] path) throws FsException {
    Scratch scratch = Scratch.get();
    long length = LIBC.llistxattr(scratch.path(path), scratch.dataAddress(), Scratch.DATA_BYTES);
    check(length, "listxattr", path);
    return splitNames(scratch.data(), (int) length);
  }

  /** flistxattr(2): the names of an open file's attributes (not of an O_PATH descriptor). */
  public static List<Name> xattrNames(int descriptor) throws FsException {
    Scratch scratch = Scratch.get();
    long length = LIBC.flistxattr(descriptor, scratch.dataAddress(), Scratch.DATA_BYTES);
    check(length, "listxattr", descriptor);
    return splitNames(scratch.data(), (int) length);
  }

  private static List<Name> splitNames(ByteBuffer data, int length) {
    if (length == 0) {
      return List.of();
    }
    List<Name> names = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < length; i++) {
      if (data.get(i) == 0) {
        names.add(Name.take(data.clear().position(start), i - start));
        start = i + 1;
      }
    }
    return names;
  }

  /** lgetxattr(2): the value, or {@code null} where the file has no such attribute. */
  public static byte[] xattr(byte[] path, Name name) throws FsException {
    Scratch scratch = Scratch.get();
    long pathAddress = scratch.path(path);
    long nameAddress = scratch.secondPath(name.toBytes());
    return xattrValue(
        LIBC.lgetxattr(pathAddress, nameAddress, scratch.dataAddress(), Scratch.DATA_BYTES),
        scratch,
        path);
  }

  /** fgetxattr(2): the value, or {@code null} where the file has no such attribute. */
  public static byte[] xattr(int descriptor, Name name) throws FsException {
    Scratch scratch = Scratch.get();
    long nameAddress = scratch.secondPath(name.toBytes());
    return xattrValue(
        LIBC.fgetxattr(descriptor, nameAddress, scratch.dataAddress(), Scratch.DATA_BYTES),
        scratch,
        descriptorPath(descriptor));
  }

  private static byte[] xattrValue(long length, Scratch scratch, byte[] path) throws FsException {
    if (length < 0 && LAST_ERROR.get() == Errno.ENODATA.number()) {
      return null;
    }
    check(length, "getxattr", path);
    return scratch.copyData((int) length);
  }

  /** lsetxattr(2); {@code flags} 0, XATTR_CREATE or XATTR_REPLACE. */
  public static void setXattr(byte[] path, Name name, byte[] value, int flags) throws FsException {
    Scratch scratch = Scratch.get();
    putValue(scratch, value);
    check(
        LIBC.lsetxattr(
            scratch.path(path),
            scratch.secondPath(name.toBytes()),
            scratch.dataAddress(),
            value.length,
            flags),
        "setxattr " + name,
        path);
  }

  /** fsetxattr(2); {@code flags} 0, XATTR_CREATE or XATTR_REPLACE. */
  public static void setXattr(int descriptor, Name name, byte[] value, int flags)
      throws FsException {
    Scratch scratch = Scratch.get();
    putValue(scratch, value);
    check(
        LIBC.fsetxattr(
            descriptor,
            scratch.secondPath(name.toBytes()),
            scratch.dataAddress(),
            value.length,
            flags),
        "setxattr " + name,
        descriptor);
  }

  private static void putValue(Scratch scratch, byte[] value) throws FsException {
    if (value.length > Scratch.DATA_BYTES) {
      throw new FsException(Errno.E2BIG, "setxattr of " + value.length + " bytes");
    }
    scratch.data().put(0, value);
  }

  /** lremovexattr(2). */
  public static void removeXattr(byte[] path, Name name) throws FsException {
    Scratch scratch = Scratch.get();
    check(
        LIBC.lremovexattr(scratch.path(path), scratch.secondPath(name.toBytes())),
        "removexattr " + name,
        path);
  }

  // ---- Mounts, devices, the process ----

  /** ioctl(2) with an address or an integer as its argument: the result, or -errno. */
  public static int ioctlRaw(int descriptor, long request, long argument) {
    return (int) raw(LIBC.ioctl(descriptor, request, argument));
  }

  /**
   * poll(2): the number of ready entries, 0 on timeout, or -errno (EINTR too).
   *
   * @param address of {@code count} structs of a 32-bit descriptor and two 16-bit event sets
   */
  public static int pollRaw(long address, int count, int timeoutMillis) {
    return (int) raw(LIBC.poll(address, count, timeoutMillis));
  }

  /**
   * mount(2).
   *
   * @param data options of the filesystem, at most 4095 bytes
   */
  public static void mount(String source, byte[] target, String type, long flags, String data)
      throws FsException {
    Scratch scratch = Scratch.get();
    long targetAddress = scratch.path(target);
    long sourceAddress = scratch.secondPath(bytes(source));
    long typeAddress = scratch.dataString(0, bytes(type));
    long dataAddress = scratch.dataString(Scratch.PATH_BYTES, bytes(data));
    check(
        LIBC.mount(sourceAddress, targetAddress, typeAddress, flags, dataAddress), "mount", target);
  }

  /** umount2(2) with MNT_* flags. */
  public static void unmount(byte[] target, int flags) throws FsException {
    check(LIBC.umount2(Scratch.get().path(target), flags), "umount", target);
  }

  /** The time as the kernel stamps files with it (CLOCK_REALTIME_COARSE). */
  public static FileTime coarseTime() {
    Scratch scratch = Scratch.get();
    if (LIBC.clock_gettime(CLOCK_REALTIME_COARSE, scratch.dataAddress()) != 0) {
      throw new IllegalStateException("no CLOCK_REALTIME_COARSE");
    }
    return new FileTime(scratch.data().getLong(0), (int) scratch.data().getLong(8));
  }

  /** prctl(2): the result. */
  public static int processControl(int option, long a, long b, long c, long d) throws FsException {
    int result = LIBC.prctl(option, a, b, c, d);
    check(result, "prctl", bytes("option " + option));
    return result;
  }

  /**
   * open_by_handle_at(2); O_CLOEXEC is added.
   *
   * @param mountDescriptor any open file of the filesystem
   * @param type the handle's type, which its filesystem defines
   * @param handle its bytes, at most 128
   */
  public static Descriptor openByHandle(int mountDescriptor, int type, byte[] handle, int flags)
      throws FsException {
    Scratch scratch = Scratch.get();
    // struct file_handle: u32 handle_bytes, s32 handle_type, the bytes
    scratch.data().putInt(0, handle.length).putInt(4, type).put(8, handle);
    int result;
    do {
      result =
          LIBC.open_by_handle_at(
              mountDescriptor, scratch.dataAddress(), flags | OpenFlags.O_CLOEXEC);
    } while (result < 0 && interrupted());
    check(result, "open_by_handle_at", mountDescriptor);
    return new Descriptor(result);
  }

  /**
   * sync_file_range(2) of the whole file: writes its dirty pages and waits until none is under
   * write-back. Takes no lock of the inode, and makes nothing durable.
   */
  public static void writePagesBack(int descriptor) throws FsException {
    check(
        LIBC.sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE_AND_WAIT),
        "sync_file_range",
        descriptor);
  }

  /**
   * posix_fadvise(2), POSIX_FADV_WILLNEED: has the disk read a part into the page cache. Does not
   * wait for it, and is a hint only: where it is not taken, nothing is said.
   */
  public static void willNeed(int descriptor, long offsetBytes, long lengthBytes) {
    LIBC.posix_fadvise(descriptor, offsetBytes, lengthBytes, FADVISE_WILLNEED);
  }

  /**
   * setpriority(2) of the calling thread: the higher its niceness (up to 19), the more it leaves
   * the processors to others. A hint: where it is refused, nothing is said.
   */
  public static void beNice(int niceness) {
    LIBC.setpriority(PRIORITY_PROCESS, threadId(), niceness);
  }

  /** gettid(2): the calling thread's id, as another process sees it. */
  public static int threadId() {
    return LIBC.gettid();
  }

  /** geteuid(2): 0 for root. */
  public static int effectiveUid() {
    return LIBC.geteuid();
  }

  // ---- Texts ----

  /** A path's bytes: UTF-8. */
  public static byte[] bytes(String path) {
    return path.getBytes(StandardCharsets.UTF_8);
  }

  /** A path for messages: bytes that are not UTF-8, and control characters, stand as \\xNN. */
  public static String printable(byte[] path) {
    String text = new String(path, StandardCharsets.UTF_8);
    boolean valid = Arrays.equals(text.getBytes(StandardCharsets.UTF_8), path);
    if (valid && text.chars().noneMatch(Character::isISOControl)) {
      return text;
    }
    StringBuilder escaped = new StringBuilder();
    for (byte b : path) {
      if (b >= ' ' && b < 0x7f) {
        escaped.append((char) b);
      } else {
        escaped.append(String.format("\\x%02x", b & 0xff));
      }
    }
    return escaped.toString();
  }

  // ---- Results ----

  private static long addressAtPosition(ByteBuffer direct) {
    return address(direct) + direct.position();
  }

  private static long raw(long result) {
    return result < 0 ? -LAST_ERROR.get() : result;
  }

  private static boolean interrupted() {
    return LAST_ERROR.get() == Errno.EINTR.number();
  }

  private static int transferred(long result, ByteBuffer direct, String call, int descriptor)
      throws FsException {
    if (result < 0) {
      throw failure((int) -result, call, "descriptor " + descriptor);
    }
    // Moving the position also keeps the buffer alive until the call that used its address is over.
    boolean end = result == 0 && direct.hasRemaining();
    direct.position(direct.position() + (int) result);
    return end ? -1 : (int) result;
  }

  private static void check(long result, String call, int descriptor) throws FsException {
    if (result < 0) {
      throw failure(LAST_ERROR.get(), call, "descriptor " + descriptor);
    }
  }

  private static void check(long result, String call, byte[] path) throws FsException {
    if (result < 0) {
      throw failure(LAST_ERROR.get(), call, printable(path));
    }
  }

  private static FsException failure(int number, String call, String about) {
    Errno errno = Errno.of(number);
    String context = call + " " + about;
    return new FsException(
        errno, errno.number() == number ? context : context + " (errno " + number + ")");
  }
}
