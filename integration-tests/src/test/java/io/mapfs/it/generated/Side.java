package io.mapfs.it.generated;

import io.mapfs.core.fs.AclXattr;
import io.mapfs.core.fs.Errno;
import io.mapfs.core.fs.FileTime;
import io.mapfs.core.fs.FileType;
import io.mapfs.core.fs.FsException;
import io.mapfs.core.fs.Name;
import io.mapfs.core.fs.PosixAcl;
import io.mapfs.core.posix.Descriptor;
import io.mapfs.core.posix.DirectoryReader;
import io.mapfs.core.posix.FileStatus;
import io.mapfs.core.posix.OpenFlags;
import io.mapfs.core.posix.Posix;
import io.mapfs.it.LinuxCalls;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;

/**
 * One of the two trees as one process sees it, with its open files and maps there. Does steps; a
 * result is a text: a value, or an errno.
 */
final class Side implements AutoCloseable {
  private static final int OPEN_MAX = 6;
  private static final int MAP_BYTES = 64 << 10;
  private static final int LENGTH_MAX = 150_000;

  /** Times before this are ones that a step has set; later ones are the clock's. */
  private static final long FIRST_CLOCK_SECOND = 1_000_000_000;

  private static final int[] PERMISSIONS = {0644, 0755, 0600, 04755, 02755, 02775, 01777, 06777};
  private static final int[] IDS = {-1, 0, 1000, 1001};
  private static final String[] LINK_TARGETS = {"a", "file", "dir/b", "link", "none"};
  private static final int[] NODE_TYPES = {0010000, 0020000, 0100000, 0140000};
  private static final int NULL_DEVICE = FileStatus.encodeDevice(1, 3);
  private static final int[] RENAME_FLAGS = {0, 0, 0, 0, 1, 2, 2, 4};
  private static final int[] ALLOCATE_MODES = {0, 1, 3, 3, 3, 16, 16, 17};

  private static final Name CAPABILITY = Name.of("security.capability");
  private static final Name[] XATTRS = {
    Name.of("user.one"),
    Name.of("user.two"),
    Name.of("trusted.three"),
    CAPABILITY,
    Name.of("system.unknown"),
  };

  /** Version 2, effective, CAP_NET_RAW. */
  private static final byte[] CAPABILITY_VALUE =
      HexFormat.of().parseHex("0100000200200000000000000000000000000000");

  private static final byte[][] ACLS = {
    AclXattr.of(new int[][] {{1, 7, -1}, {2, 6, 1000}, {4, 5, -1}, {0x10, 7, -1}, {0x20, 4, -1}}),
    AclXattr.of(new int[][] {{1, 6, -1}, {4, 6, -1}, {8, 7, 1000}, {0x10, 5, -1}, {0x20, 0, -1}}),
    AclXattr.of(new int[][] {{1, 6, -1}, {4, 4, -1}, {0x20, 0, -1}}),
    AclXattr.of(),
    AclXattr.of(new int[][] {{1, 7, -1}, {2, 6, 1000}, {4, 5, -1}, {0x20, 4, -1}}),
  };

  /** What is open in a process's own directory, or in the shared one. */
  private static final class Scope {
    final List<Descriptor> open = new ArrayList<>();
    final List<MappedFile> maps = new ArrayList<>();
  }

  private final String root;
  private final Scope own = new Scope();
  private final Scope shared = new Scope();

  Side(String root) {
    this.root = root;
  }

  @Override
  public void close() {
    for (Scope scope : List.of(own, shared)) {
      scope.open.forEach(Descriptor::close);
      scope.maps.forEach(MappedFile::close);
    }
  }

  /** Does a step: its result. */
  String run(ProcessStep step, Targets targets) {
    try {
      return act(step, targets, step.shared() ? shared : own);
    } catch (FsException e) {
      return e.errno().name();
    }
  }

  private String act(ProcessStep s, Targets t, Scope scope) throws FsException {
    int access = s.c() % 3;
    return switch (s.kind()) {
      case CREATE -> {
        int flags =
            OpenFlags.O_CREAT
                | OpenFlags.O_RDWR
                | OpenFlags.O_NONBLOCK
                | (s.d() % 3 == 0 ? OpenFlags.O_EXCL : 0)
                | (s.d() % 5 == 0 ? OpenFlags.O_TRUNC : 0)
                | (s.d() % 4 == 0 ? OpenFlags.O_APPEND : 0);
        yield opened(scope, Posix.open(path(t.fresh()), flags, permissions(s.d())));
      }
      case OPEN -> {
        int flags =
            access
                | OpenFlags.O_NONBLOCK
                | (s.d() % 10 == 0 ? OpenFlags.O_TRUNC : 0)
                | (s.d() % 7 == 0 ? OpenFlags.O_APPEND : 0)
                | (s.d() % 4 == 0 ? OpenFlags.O_NOFOLLOW : 0);
        yield opened(scope, Posix.open(path(t.file()), flags, 0));
      }
      case TMPFILE -> {
        int flags =
            OpenFlags.O_TMPFILE | OpenFlags.O_RDWR | (s.d() % 3 == 0 ? OpenFlags.O_EXCL : 0);
        yield opened(scope, Posix.open(path(t.directory()), flags, permissions(s.c())));
      }
      case READ -> {
        int flags = OpenFlags.O_NONBLOCK | OpenFlags.O_NOFOLLOW;
        try (Descriptor file = Posix.open(path(t.file()), flags, 0)) {
          yield read(file, offset(s.b()), length(s.c()));
        }
      }
      case CLOSE, WRITE, READ_OPEN, ALLOCATE, COPY, SEEK, FSYNC, LINK_OPEN, STAT_OPEN, LOCK ->
          scope.open.isEmpty() ? "nothing is open" : onOpen(s, t, scope.open);
      case STORE, LOAD, UNMAP -> scope.maps.isEmpty() ? "nothing is mapped" : onMap(s, scope.maps);
      case MAP -> {
        MappedFile map = MappedFile.open(path(t.file()), MAP_BYTES);
        if (scope.maps.size() == OPEN_MAX) {
          scope.maps.remove(0).close();
        }
        scope.maps.add(map);
        yield "mapped";
      }
      case STAT -> status(t.any());
      case LIST -> list(t.directory());
      default -> {
        change(s, t, scope);
        yield "done";
      }
    };
  }

  /** Steps that tell nothing but that they are done. */
  private void change(ProcessStep s, Targets t, Scope scope) throws FsException {
    byte[] any = bytes(t.any());
    byte[] fresh = bytes(t.fresh());
    switch (s.kind()) {
      case TRUNCATE -> {
        if (s.c() % 2 == 0 || scope.open.isEmpty()) {
          LinuxCalls.truncate(path(t.file()), s.b() % LENGTH_MAX);
        } else {
          Posix.truncate(of(scope.open, s.a()).number(), s.b() % LENGTH_MAX);
        }
      }
      case MKDIR -> Posix.makeDirectory(Posix.AT_FDCWD, fresh, permissions(s.d()));
      case RMDIR -> Posix.unlink(Posix.AT_FDCWD, bytes(t.directory()), Posix.AT_REMOVEDIR);
      case UNLINK -> Posix.unlink(Posix.AT_FDCWD, any, 0);
      case RENAME -> {
        byte[] to = s.c() % 3 == 0 ? bytes(t.other()) : fresh;
        int flags = RENAME_FLAGS[s.d() % RENAME_FLAGS.length];
        Posix.rename(Posix.AT_FDCWD, any, Posix.AT_FDCWD, to, flags);
      }
      case LINK -> Posix.link(Posix.AT_FDCWD, any, Posix.AT_FDCWD, fresh, 0);
      case SYMLINK -> {
        byte[] target = Posix.bytes(LINK_TARGETS[s.d() % LINK_TARGETS.length]);
        Posix.makeSymlink(target, Posix.AT_FDCWD, fresh);
      }
      case MKNOD -> {
        int mode = NODE_TYPES[s.d() % NODE_TYPES.length] | 0640;
        Posix.makeNode(Posix.AT_FDCWD, fresh, mode, NULL_DEVICE);
      }
      case CHMOD -> Posix.setMode(Posix.AT_FDCWD, any, permissions(s.d()));
      case CHOWN -> {
        // Not both -1: FUSE has no words for a chown that only clears setuid (docs/semantics.md).
        int uid = IDS[s.c() % IDS.length];
        int gid = IDS[uid == -1 ? 1 + s.d() % (IDS.length - 1) : s.d() % IDS.length];
        Posix.setOwner(Posix.AT_FDCWD, any, uid, gid);
      }
      case TIMES -> {
        FileTime time = new FileTime(s.c(), s.d());
        Posix.setTimes(Posix.AT_FDCWD, any, time, time);
      }
      case SET_XATTR -> {
        Name name = XATTRS[s.b() % XATTRS.length];
        byte[] value = name.equals(CAPABILITY) ? CAPABILITY_VALUE : new byte[s.c() % 300];
        Posix.setXattr(any, name, value, s.d() % 4 == 0 ? s.d() % 3 : 0);
      }
      case REMOVE_XATTR -> {
        Name name = s.c() % 4 == 0 ? PosixAcl.ACCESS : XATTRS[s.b() % XATTRS.length];
        Posix.removeXattr(any, name);
      }
      case SET_ACL -> {
        Name name = s.c() % 2 == 0 ? PosixAcl.ACCESS : PosixAcl.DEFAULT;
        Posix.setXattr(any, name, ACLS[s.d() % ACLS.length], 0);
      }
      default -> throw new IllegalArgumentException(s.toString());
    }
  }

  private String onOpen(ProcessStep s, Targets t, List<Descriptor> open) throws FsException {
    int file = of(open, s.a()).number();
    switch (s.kind()) {
      case CLOSE -> open.remove(s.a() % open.size()).close();
      case WRITE -> {
        byte[] bytes = new byte[length(s.b())];
        new Random(s.c()).nextBytes(bytes);
        Posix.pwriteFully(file, direct(bytes), offset(s.d()));
      }
      case READ_OPEN -> {
        return read(of(open, s.a()), offset(s.b()), length(s.c()));
      }
      case ALLOCATE -> {
        int mode = ALLOCATE_MODES[s.d() % ALLOCATE_MODES.length];
        Posix.allocate(file, mode, offset(s.b()), length(s.c()));
      }
      case COPY -> {
        int to = of(open, s.b()).number();
        Posix.seek(to, offset(s.d()), Posix.SEEK_SET);
        Posix.seek(file, offset(s.c()), Posix.SEEK_SET);
        return "copied " + LinuxCalls.copyRange(file, to, length(s.d()));
      }
      case SEEK -> {
        return seek(file, offset(s.b()), s.c() % 2 == 0);
      }
      case FSYNC -> {
        if (s.b() % 2 == 0) {
          Posix.fsync(file);
        } else {
          Posix.fdatasync(file);
        }
      }
      case LINK_OPEN ->
          Posix.link(
              Posix.AT_FDCWD,
              Posix.descriptorPath(file),
              Posix.AT_FDCWD,
              bytes(t.fresh()),
              Posix.AT_SYMLINK_FOLLOW);
      case STAT_OPEN -> {
        return text(Posix.status(file));
      }
      case LOCK -> {
        if (s.d() % 2 == 0) {
          LinuxCalls.lock(file, s.b() % 2 == 0);
        } else {
          int[] operations = {Posix.LOCK_SH, Posix.LOCK_EX, Posix.LOCK_UN};
          Posix.flock(file, operations[s.b() % 3] | Posix.LOCK_NB);
        }
      }
      default -> throw new IllegalArgumentException(s.toString());
    }
    return "done";
  }

  private static String onMap(ProcessStep s, List<MappedFile> maps) throws FsException {
    MappedFile map = maps.get(s.a() % maps.size());
    if (s.kind() == ProcessStep.Kind.UNMAP) {
      maps.remove(map);
      map.close();
      return "done";
    }
    long touchable = map.touchable();
    if (touchable < 2 * Long.BYTES) {
      return "nothing to touch";
    }
    long at = s.b() % (touchable - Long.BYTES);
    if (s.kind() == ProcessStep.Kind.LOAD) {
      return Long.toHexString(map.load(at));
    }
    map.store(at, s.c() * 0x9E3779B97F4A7C15L);
    // When a store moves the mtime is the kernel's own business (with the page's first fault after
    // it was written back): a byte that is written elsewhere moves it in both.
    Posix.pwriteFully(map.file().number(), direct(new byte[] {'w'}), (at + 5_000) % touchable);
    return "done";
  }

  // ---- What is there ----

  /** Data and holes may be told as coarsely as a filesystem likes, but holes read as zeros. */
  private static String seek(int file, long offset, boolean data) throws FsException {
    FileStatus status = Posix.status(file);
    if (status.type() != FileType.REGULAR) {
      return "no file";
    }
    long size = status.sizeBytes();
    long found = data ? Posix.seekData(file, offset) : Posix.seekHole(file, offset);
    if (found < 0) {
      found = size;
    }
    if (offset >= size) {
      return "behind the end: " + (found == size);
    }
    if (found < offset || found > size) {
      return "seek to " + found;
    }
    return data && found > offset ? holes(file, offset, (int) (found - offset)) : "sought";
  }

  private static String holes(int file, long offset, int length) throws FsException {
    ByteBuffer skipped = ByteBuffer.allocateDirect(length);
    int got = 0;
    try {
      got = Posix.pread(file, skipped, offset);
    } catch (FsException e) {
      if (e.errno() != Errno.EBADF) {
        throw e;
      }
      // It is not open for reading: nothing can be said of its holes.
    }
    for (int i = 0; i < got; i++) {
      if (skipped.get(i) != 0) {
        return "a hole that has data at " + (offset + i);
      }
    }
    return "sought";
  }

  private static String read(Descriptor file, long offset, int length) throws FsException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(length);
    int got = Math.max(0, Posix.pread(file.number(), buffer, offset));
    byte[] bytes = new byte[got];
    buffer.flip().get(bytes);
    return got + " bytes " + Arrays.hashCode(bytes);
  }

  private String status(String path) throws FsException {
    StringBuilder text = new StringBuilder(text(Posix.status(Posix.AT_FDCWD, bytes(path))));
    for (Name name : Posix.xattrNames(bytes(path)).stream().sorted().toList()) {
      byte[] value = Posix.xattr(bytes(path), name);
      text.append(' ').append(name).append('=').append(Arrays.hashCode(value));
    }
    return text.toString();
  }

  private static String text(FileStatus status) {
    FileType type = status.type();
    boolean sized = type == FileType.REGULAR || type == FileType.SYMLINK;
    boolean set = status.mtime().seconds() < FIRST_CLOCK_SECOND;
    return String.format(
        "%s %o %d:%d nlink %d rdev %x size %d mtime %s",
        type,
        status.permissions(),
        status.uid(),
        status.gid(),
        status.nlink(),
        status.rdev(),
        sized ? status.sizeBytes() : 0,
        set ? status.mtime() : "the clock's");
  }

  private String list(String path) throws FsException {
    TreeMap<String, FileType> names = new TreeMap<>();
    try (Descriptor directory = Posix.open(path(path), OpenFlags.O_DIRECTORY, 0)) {
      DirectoryReader reader = new DirectoryReader(directory.number());
      while (reader.next()) {
        if (names.put(reader.name().toString(), reader.type()) != null) {
          return reader.name() + " twice";
        }
      }
    }
    return names.toString();
  }

  // ---- Picking ----

  private static String opened(Scope scope, Descriptor file) {
    if (scope.open.size() == OPEN_MAX) {
      scope.open.remove(0).close();
    }
    scope.open.add(file);
    return "opened";
  }

  private static Descriptor of(List<Descriptor> open, int number) {
    return open.get(number % open.size());
  }

  private String path(String below) {
    return root + "/" + below;
  }

  private byte[] bytes(String below) {
    return Posix.bytes(path(below));
  }

  private static int permissions(int number) {
    return PERMISSIONS[number % PERMISSIONS.length];
  }

  private static long offset(int number) {
    return switch (number % 3) {
      case 0 -> number % 30 * 4096L;
      case 1 -> number % 130_000;
      default -> number % 100;
    };
  }

  private static int length(int number) {
    return switch (number % 5) {
      case 0 -> 1 + number % 10;
      case 1 -> 4096 * (1 + number % 12);
      case 2 -> 1 + number % 60_000;
      default -> 1 + number % 9_000;
    };
  }

  private static ByteBuffer direct(byte[] bytes) {
    return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
  }
}
