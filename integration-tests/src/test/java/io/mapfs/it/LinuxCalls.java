package io.mapfs.it;

import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.posix.Posix;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Platform;
import jnr.ffi.Runtime;

/** System calls that MapFS itself has no use for. A failed one throws its errno. */
public final class LinuxCalls {
  public static final int F_OFD_SETLK = 37;

  public static final int IN_MODIFY = 0x2;
  public static final int IN_ATTRIB = 0x4;
  public static final int IN_NONBLOCK = 04000;

  public static final int FAN_NONBLOCK = 0x2;
  public static final int FAN_MARK_ADD = 0x1;
  public static final long FAN_MODIFY = 0x2;

  private static final int PROT_READ = 1;
  private static final int PROT_WRITE = 2;
  private static final int MAP_SHARED = 1;
  private static final int MAP_PRIVATE = 2;

  private static final int MAX_HANDLE_BYTES = 128;
  private static final int DIRENT_NAME = 19;

  private static final Libc LIBC =
      LibraryLoader.create(Libc.class)
          .failImmediately()
          .load(Platform.getNativePlatform().getStandardCLibraryName());

  private LinuxCalls() {}

  /** Public only because jnr-ffi implements it from another class loader. */
  public interface Libc {
    int name_to_handle_at(int directory, String path, long handle, long mountId, int flags);

    int inotify_init1(int flags);

    int inotify_add_watch(int descriptor, String path, int mask);

    int fanotify_init(int flags, int eventFlags);

    int fanotify_mark(int descriptor, int flags, long mask, int directory, String path);

    int fcntl(int descriptor, int command, long argument);

    int truncate(String path, long sizeBytes);

    int setfsuid(int uid);

    int setfsgid(int gid);

    int setgroups(long count, long groups);

    int umask(int mask);

    long mmap(long address, long length, int protection, int flags, int descriptor, long offset);

    int munmap(long address, long length);

    long copy_file_range(int from, long fromOffset, int to, long toOffset, long count, int flags);

    long getdents64(int descriptor, long address, long count);

    int close(int descriptor);
  }

  /** A file's handle, as open_by_handle_at(2) takes it. */
  public record Handle(int type, byte[] bytes) {}

  /** One entry as getdents64(2) tells it: its name, and where reading goes on behind it. */
  public record DirectoryEntry(String name, long nextOffset) {}

  public static Handle handle(String path) throws FsException {
    ByteBuffer handle = buffer(8 + MAX_HANDLE_BYTES).putInt(0, MAX_HANDLE_BYTES);
    ByteBuffer mountId = buffer(4);
    check(
        LIBC.name_to_handle_at(
            Posix.AT_FDCWD, path, Posix.address(handle), Posix.address(mountId), 0),
        "name_to_handle_at");
    byte[] bytes = new byte[handle.getInt(0)];
    handle.get(8, bytes);
    return new Handle(handle.getInt(4), bytes);
  }

  /** An inotify instance that watches one path: its descriptor. */
  public static int inotify(String path, int mask) throws FsException {
    int descriptor = LIBC.inotify_init1(IN_NONBLOCK);
    check(descriptor, "inotify_init1");
    check(LIBC.inotify_add_watch(descriptor, path, mask), "inotify_add_watch");
    return descriptor;
  }

  /** The union of the masks of all events that wait. */
  public static int inotifyEvents(int descriptor) throws FsException {
    ByteBuffer events = events(descriptor);
    int mask = 0;
    // struct inotify_event: s32 wd, u32 mask, u32 cookie, u32 len, the name
    for (int at = 0; at < events.limit(); at += 16 + events.getInt(at + 12)) {
      mask |= events.getInt(at + 4);
    }
    return mask;
  }

  /** A fanotify group that watches one path: its descriptor. */
  public static int fanotify(String path, long mask) throws FsException {
    int descriptor = LIBC.fanotify_init(FAN_NONBLOCK, 0);
    check(descriptor, "fanotify_init");
    check(
        LIBC.fanotify_mark(descriptor, FAN_MARK_ADD, mask, Posix.AT_FDCWD, path), "fanotify_mark");
    return descriptor;
  }

  /** The union of the masks of all events that wait. */
  public static long fanotifyEvents(int descriptor) throws FsException {
    ByteBuffer events = events(descriptor);
    long mask = 0;
    // struct fanotify_event_metadata: u32 length, u8 version, u8, u16, u64 mask, s32 fd, s32 pid
    for (int at = 0; at < events.limit(); at += events.getInt(at)) {
      mask |= events.getLong(at + 8);
      close(events.getInt(at + 16));
    }
    return mask;
  }

  private static ByteBuffer events(int descriptor) throws FsException {
    ByteBuffer events = buffer(8192);
    try {
      Posix.read(descriptor, events);
    } catch (FsException e) {
      if (e.errno() != Errno.EAGAIN) {
        throw e;
      }
    }
    return events.flip();
  }

  /** Takes a write lock of the open file description on the whole file, or throws EAGAIN. */
  public static void lock(int descriptor, boolean exclusive) throws FsException {
    // struct flock: s16 type (0 read, 1 write), s16 whence, pad, s64 start, s64 len, s32 pid
    ByteBuffer lock = buffer(32).putShort(0, (short) (exclusive ? 1 : 0));
    check(LIBC.fcntl(descriptor, F_OFD_SETLK, Posix.address(lock)), "fcntl F_OFD_SETLK");
  }

  public static void truncate(String path, long sizeBytes) throws FsException {
    check(LIBC.truncate(path, sizeBytes), "truncate");
  }

  /** Leaves all supplementary groups. */
  public static void leaveGroups() throws FsException {
    check(LIBC.setgroups(0, 0), "setgroups");
  }

  /** Makes this thread another user to filesystems; what else root may do stays. */
  public static void actAs(int uid, int gid) {
    LIBC.setfsgid(gid);
    LIBC.setfsuid(uid);
  }

  public static void umask(int mask) {
    LIBC.umask(mask);
  }

  /** copy_file_range(2) between two descriptors' positions: the bytes copied by this one call. */
  public static long copyRange(int from, int to, long count) throws FsException {
    long result = LIBC.copy_file_range(from, 0, to, 0, count, 0);
    check(result, "copy_file_range");
    return result;
  }

  /** One getdents64(2) of about {@code bytes} bytes, dot and dot-dot left out; empty at the end. */
  public static List<DirectoryEntry> entries(int directory, int bytes) throws FsException {
    ByteBuffer buffer = buffer(bytes);
    List<DirectoryEntry> entries = new ArrayList<>();
    long got = LIBC.getdents64(directory, Posix.address(buffer), bytes);
    check(got, "getdents64");
    for (int at = 0; at < got; at += buffer.getShort(at + 16)) {
      int end = at + DIRENT_NAME;
      while (buffer.get(end) != 0) {
        end++;
      }
      byte[] name = new byte[end - at - DIRENT_NAME];
      buffer.get(at + DIRENT_NAME, name);
      String text = new String(name, StandardCharsets.UTF_8);
      if (!List.of(".", "..").contains(text)) {
        entries.add(new DirectoryEntry(text, buffer.getLong(at + 8)));
      }
    }
    return entries;
  }

  /** mmap(2) of a file's first bytes, MAP_SHARED: the address. */
  public static long map(int descriptor, long bytes, boolean writable) throws FsException {
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    long address = LIBC.mmap(0, bytes, protection, MAP_SHARED, descriptor, 0);
    check(address, "mmap");
    return address;
  }

  /** The same with MAP_PRIVATE, writable. */
  public static long mapPrivately(int descriptor, long bytes) throws FsException {
    long address = LIBC.mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
    check(address, "mmap");
    return address;
  }

  public static void unmap(long address, long bytes) {
    LIBC.munmap(address, bytes);
  }

  public static void close(int descriptor) {
    LIBC.close(descriptor);
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  private static void check(long result, String call) throws FsException {
    if (result < 0) {
      int number = Runtime.getSystemRuntime().getLastError();
      throw new FsException(Errno.of(number), call + " (errno " + number + ")");
    }
  }
}
